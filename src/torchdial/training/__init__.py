"""What happens in a run: its history, gradients, diagnosis and control. torch and numpy only."""

from torchdial.training.history import Event, History
from torchdial.training.runs import runs

__all__ = ["Event", "History", "runs"]
