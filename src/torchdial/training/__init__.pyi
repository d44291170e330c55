from .history.history import Event, History

__all__ = ["Event", "History"]
