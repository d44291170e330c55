"""Settings of the documentation; `make docs` builds it into build/site."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

from torchdial.version import __version__

project = "torchdial"
author = copyright = "The torchdial developers"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx_design",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "live_code",
    "trained_once",
    "error_list",
    "own_members",
]
exclude_patterns = ["_*"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

smartquotes_action = "D"  # dashes alone: the words of an error are found as they are written
html_theme = "pydata_sphinx_theme"
html_title = "torchdial"
html_context = {"default_mode": "auto"}
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["live.js"]
html_sidebars = {"index": [], "gallery": []}
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

toc_object_entries_show_parents = "hide"
autodoc_default_options = {"members": True, "inherited-members": True}
default_role = "code"
maximum_signature_line_length = 80
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_use_ivar = True
napoleon_use_rtype = False
