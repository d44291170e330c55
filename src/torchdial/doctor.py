"""What a report of a problem needs to know about an installation, and what works in its host."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any

from torchdial.version import __version__
from torchdial.widgets.notebook_host import COLAB, PLAIN_PYTHON, VS_CODE, notebook_host

_WIDGETS = ("ipywidgets", "anywidget", "traitlets", "comm", "bqplot")
_KERNEL = ("ipykernel", "ipython", "jupyter_client", "pyzmq", "tornado")
_PAGES = ("jupyterlab", "notebook", "jupyterlab_widgets", "widgetsnbextension")
_OTHERS = ("numpy", "matplotlib", "torchvision", "torchmetrics", "lightning", "transformers")

_SHOWS = {
    PLAIN_PYTHON: "no widgets; `savefig` and `save_html` write files. In a notebook: "
    "`%run -m torchdial doctor`",
    COLAB: "widgets; tested with Colab's versions, outside its page",
    VS_CODE: "widgets; tested in its renderer, outside the editor",
}
_SHOWS_WIDGETS = "widgets; dials move the pictures while a cell runs, too"
_CLICKS = {
    PLAIN_PYTHON: "none; Ctrl-C ends `monitor.loop` after a whole step",
    COLAB: "not known whether its page sends them while a cell runs",
}
_CLICKS_ARRIVE = "pause, stop and dials act while `monitor.loop` blocks its cell; ■ ends it"


def doctor() -> str:
    """Return versions, host and abilities of this installation: ten lines to paste into an issue.

    It raises nothing: what cannot be imported is a line of the text. No accelerator is initialised.

    Examples:
        >>> print(doctor())  # doctest: +ELLIPSIS
        torchdial   ...
    """
    host, limit = _host()
    lines = {
        "torchdial": f"{__version__}, JavaScript: {_javascript()}",
        "Python": f"{platform.python_version()} on {platform.platform()}",
        "torch": _torch(),
        "widgets": versions(_WIDGETS),
        "kernel": versions(_KERNEL),
        "pages": versions(_PAGES),
        "others": versions(_OTHERS),
        "host": host,
        "shows": _SHOWS.get(host, _SHOWS_WIDGETS),
        "clicks": _CLICKS.get(host, limit or _CLICKS_ARRIVE),
    }
    return "\n".join(f"{name:<12}{text}" for name, text in lines.items())


def versions(packages: Sequence[str]) -> str:
    """Return the installed versions of packages, as `"numpy 2.2.0, lightning –"`."""
    return ", ".join(f"{package} {_version(package)}" for package in packages)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "–"


def _javascript() -> str:
    """Say whether every public name can be imported; a widget's class reads its JavaScript."""
    import torchdial

    try:
        for name in dir(torchdial):
            getattr(torchdial, name)
    except Exception as error:
        return _one_line(error)
    return "built"


def _torch() -> str:
    try:
        accelerator = import_module("torchdial.accelerator")
        kind, count = accelerator.accelerator_type(), accelerator.accelerator_count()
    except Exception as error:
        return f"{_version('torch')}, {_one_line(error)}"
    return f"{_version('torch')}, {f'{count} × {kind}' if count else 'no accelerator'}"


def _host() -> tuple[str, str]:
    """Return the host's name, and what limits clicks there, empty for nothing."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    host = notebook_host(shell, sys.modules, _server())
    if host == PLAIN_PYTHON:
        return host, ""
    try:
        from torchdial.widgets.live.clicks_while_busy import limit_of_clicks

        return host, limit_of_clicks(shell.kernel, shell)
    except Exception as error:
        return host, _one_line(error)


def _server() -> list[str]:
    """Return the command line of this process's parent; ipykernel brings psutil."""
    try:
        return list(import_module("psutil").Process().parent().cmdline())
    except Exception:
        return []


def _one_line(error: Any) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
