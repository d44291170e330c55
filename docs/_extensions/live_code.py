"""Sphinx: the Python blocks of a page run at build time, and what they show stands below them.

A widget or a monitor is saved by `save_html` and stands in a frame, where it works without a
kernel. Anything else is shown as text, as a notebook would. An error is a warning of the build.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

from docutils import nodes
from page_code import run
from sphinx.application import Sphinx
from sphinx.util import logging

FOLDER = "live"
FRAME = """<figure class="live">
<iframe src="{file}" title="{kind}" loading="lazy" allow="fullscreen; clipboard-write"></iframe>
<figcaption>Live, without a kernel. <a href="{file}" target="_blank">Open it alone</a>.</figcaption>
</figure>"""
# These run in the environment of the libraries that they are about: tests/real/test_recipes.py.
RUN_ELSEWHERE = "recipes/"

log = logging.getLogger(__name__)


def run_page(app: Sphinx, document: nodes.document) -> None:
    """Run the blocks of a page in their order, in names of the page's own."""
    page = app.env.docname
    blocks = [
        block
        for block in document.findall(nodes.literal_block)
        if block.get("language") == "python" and not page.startswith(RUN_ELSEWHERE)
    ]
    if not blocks:
        return
    import torch
    from ipywidgets import Widget

    from torchdial.training.runs import forget_runs

    torch.manual_seed(0)
    forget_runs()
    warnings.filterwarnings("error", ".* the old name will be removed", DeprecationWarning)
    names: dict[str, Any] = {"__name__": "__main__"}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for number, block in enumerate(blocks, start=1):
                value, printed = run(block.astext(), names, f"{page}.md, block {number}")
                _show(
                    app, block, value, printed, f"{FOLDER}/{page.replace('/', '-')}-{number}.html"
                )
        except Exception as error:  # of the page's code
            log.warning("%s: %s", type(error).__name__, error, location=block, exc_info=True)
        finally:
            os.chdir(before)
    Widget.close_all()


def _show(app: Sphinx, block: nodes.Element, value: Any, printed: str, path: str) -> None:
    """Add what a block printed and what it ends with below it."""
    import torchdial as td
    from torchdial.widgets.base import Widget

    below: list[nodes.Node] = []
    shows = isinstance(value, (Widget, td.TrainingMonitor))
    text = printed + (repr(value) if value is not None and not shows else "")
    if text:
        below.append(nodes.literal_block(text, text, language="text", classes=["output"]))
    if shows:
        file = Path(app.outdir, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        td.save_html([value], file)
        up = "../" * app.env.docname.count("/")
        html = FRAME.format(file=up + path, kind=f"{type(value).__name__}, live")
        below.append(nodes.raw("", html, format="html"))
    # A block with a title or line numbers is inside a container.
    place = block.parent if "literal-block-wrapper" in block.parent.get("classes", []) else block
    at = place.parent.index(place) + 1
    place.parent[at:at] = below


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("doctree-read", run_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
