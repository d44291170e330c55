"""The Chromium of the browser tests: `python -m tests.chromium` gets one where none is found."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def on_path() -> str | None:
    """Return the browser on PATH; where there is none, Playwright launches what it downloaded."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def get_chromium() -> None:
    """Download Chromium by Playwright, or install the system's package where that fails.

    Raises:
        RuntimeError: neither way gave one.
    """
    if on_path() or _run(sys.executable, "-m", "playwright", "install", "chromium"):
        return
    if shutil.which("apt-get"):
        as_root = [] if os.getuid() == 0 else ["sudo", "-n"]
        apt = [*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
        _run(*apt, "update")
        _run(*apt, "install", "-y", "--no-install-recommends", "chromium")
    if not on_path():
        raise RuntimeError(
            "The browser tests need Chromium: expected chromium or google-chrome on PATH, found "
            "none, and neither `playwright install chromium` nor apt-get brought one. Install "
            "Chromium or Chrome and put it on PATH."
        )


def _run(*command: str) -> bool:
    try:
        return subprocess.run(command, check=False, timeout=600).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


if __name__ == "__main__":
    get_chromium()
