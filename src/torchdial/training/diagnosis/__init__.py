"""What goes wrong in a run, in words: a rule or a few of a kind in each file, and `Diagnosis`."""

from torchdial.training.diagnosis.diagnosis import Diagnosis

__all__ = ["Diagnosis"]
