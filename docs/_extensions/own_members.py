"""Sphinx: the API reference lists what torchdial defines, as Python calls it."""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature
from traitlets import HasTraits, TraitType


def skip_foreign(
    app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any
) -> bool | None:
    """Return True for a member that another package defines, None for Sphinx's own choice."""
    if isinstance(value, TraitType):
        module = getattr(value.this_class, "__module__", "")
    else:
        function = getattr(value, "fget", None) or getattr(value, "func", value)  # of a property
        module = getattr(function, "__module__", None) or "torchdial"
    return None if module.startswith("torchdial") else True


def own_signature(
    app: Sphinx, what: str, name: str, value: Any, options: Any, signature: str, returns: str
) -> tuple[str, str] | None:
    """Return the signature of a widget's constructor, which traitlets hides."""
    if what != "class" or not issubclass(value, HasTraits):
        return None
    given = inspect.signature(value.__init__)
    arguments = list(given.parameters.values())[1:]
    given = given.replace(parameters=arguments, return_annotation=inspect.Signature.empty)
    return stringify_signature(given, unqualified_typehints=True), returns


def as_plain_text(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list[str]
) -> None:
    """Keep what our docstrings mean as it stands, where Sphinx reads markup.

    |a| is no substitution, and what stands before a colon in an attribute's first line no type.
    """
    lines[:] = [re.sub(r"\|(\w+)\|", r"\\|\1\\|", line) for line in lines]
    if what in ("attribute", "property") and lines:
        lines[0] = lines[0].replace(": ", " – ", 1)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("autodoc-process-signature", own_signature)
    app.connect("autodoc-process-docstring", as_plain_text, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
