"""Widgets without a browser, as in tests/widgets."""

from tests.widgets.conftest import _no_earlier_runs, sent

__all__ = ["_no_earlier_runs", "sent"]
