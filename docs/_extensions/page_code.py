"""Runs a Python block of a page, as a cell of a notebook does."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import io
from typing import Any


def run(code: str, names: dict[str, Any], where: str) -> tuple[Any, str]:
    """Run a block in the names of its page; return its last expression's value, and its output.

    The value is None where the block does not end with an expression.
    """
    tree = ast.parse(code, where)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        _evaluate(tree, names, where)
        value = _evaluate(ast.Expression(last.value), names, where) if last else None
    return value, printed.getvalue()


def _evaluate(tree: ast.Module | ast.Expression, names: dict[str, Any], where: str) -> Any:
    mode = "eval" if isinstance(tree, ast.Expression) else "exec"
    value = eval(compile(tree, where, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
    return asyncio.run(value) if inspect.iscoroutine(value) else value
