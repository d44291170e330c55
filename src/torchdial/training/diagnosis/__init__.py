"""What goes wrong in a run, in words: one rule a file, and `Diagnosis`, which applies them."""

from torchdial.training.diagnosis.diagnosis import Diagnosis

__all__ = ["Diagnosis"]
