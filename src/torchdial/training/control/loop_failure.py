"""The exception that leaves a `for` loop, looked up while Python closes the loop's iterator.

The iterator gets a GeneratorExit then, as it does for `break`, and `sys.exc_info()` does not have
the exception yet: only its traceback refers to the frame of the loop.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from inspect import CO_GENERATOR
from traceback import extract_tb, format_exception, format_list
from types import FrameType, TracebackType


def failure_of(frame: FrameType | None) -> str:
    """Return the traceback of the exception that leaves a loop now, empty if there is none.

    Args:
        frame: the frame that iterates over the loop, or a generator's through which it does.
    """
    while frame is not None:
        found = [
            one
            for one in gc.get_referrers(frame)
            if isinstance(one, TracebackType) and one.tb_lasti == frame.f_lasti
        ]
        raised = [inner for one in found for inner in _chain(one)]
        errors = [one for one in gc.get_referrers(*raised) if isinstance(one, BaseException)]
        error = next((one for one in errors if one.__traceback__ in raised), None)
        if isinstance(error, Exception):
            return "".join(format_exception(type(error), error, found[0]))
        # A generator that iterates over the loop, as tqdm does, is itself being closed.
        code = frame.f_code
        is_closed = bool(code.co_flags & CO_GENERATOR) or code.co_name == "close"
        if found and error is None and not is_closed:
            return _place_of(found[0])
        frame = frame.f_back if is_closed else None
    return ""


def _chain(outer: TracebackType | None) -> Iterator[TracebackType]:
    while outer is not None:
        yield outer
        outer = outer.tb_next


def _place_of(found: TracebackType) -> str:
    """Return where an exception was raised.

    Before Python 3.12 nothing refers to an exception that no `except`, `finally` or `with` has seen
    yet.
    """
    lines = extract_tb(found)
    last = lines[-1]
    where = f"an exception in line {last.lineno} of {os.path.basename(last.filename)}"
    return "".join([*format_list(lines), where])
