"""What happens in a run: its history, gradients, diagnosis and control. torch and numpy only."""

from torchdial.training.history.history import Event, History

__all__ = ["Event", "History"]
