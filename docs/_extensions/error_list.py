"""Sphinx: `{error-messages}` lists the words of every error that torchdial raises."""

from __future__ import annotations

from docutils import nodes
from docutils.parsers.rst import Directive
from error_messages import by_part
from sphinx.application import Sphinx


class ErrorMessages(Directive):
    """A section for each part of torchdial."""

    def run(self) -> list[nodes.Node]:
        """Return the sections."""
        sections: list[nodes.Node] = []
        for part, found in by_part():
            section = nodes.section(ids=[nodes.make_id(f"errors-{part}")])
            section += nodes.title(part, part)
            items = [nodes.list_item("", nodes.paragraph(text, text)) for text in found]
            section += nodes.bullet_list("", *items)
            sections.append(section)
        return sections


def setup(app: Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive("error-messages", ErrorMessages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
