"""Which program shows the notebook: no message names it, its process and variables do."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import PurePath
from typing import Any

PLAIN_PYTHON = "plain Python"
COLAB = "Colab"
VS_CODE = "VS Code"
JUPYTER = "Jupyter"
_SERVERS = {
    "jupyter-lab": "JupyterLab",
    "jupyterlab": "JupyterLab",
    "jupyter-notebook": "Notebook",
    "notebook": "Notebook",
    "voila": "Voila",
}


def notebook_host(shell: Any, modules: Container[str], server: Sequence[str]) -> str:
    """Return the name of the program that shows the notebook.

    Args:
        shell: What IPython's `get_ipython` returns.
        modules: The names of the imported modules, as in `sys.modules`.
        server: The command line of the process that started the kernel.

    Returns:
        `"JupyterLab"`, `"Notebook"`, `"Voila"`, `"VS Code"`, `"Colab"`, `"Jupyter"` for a kernel
        of an unknown program, or `"plain Python"` without a kernel.

    Examples:
        >>> notebook_host(None, (), ())
        'plain Python'
    """
    if getattr(shell, "kernel", None) is None:
        return PLAIN_PYTHON
    if "google.colab" in modules:
        return COLAB
    if is_vs_code(shell):
        return VS_CODE
    programs = (PurePath(word).stem for word in server[:3])  # python -m jupyterlab
    return next((_SERVERS[name] for name in programs if name in _SERVERS), JUPYTER)


def is_vs_code(shell: Any) -> bool:
    """Return whether the notebook is open in VS Code, which names its file in the kernel."""
    return "__vsc_ipynb_file__" in shell.user_ns
