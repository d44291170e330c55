"""Diagnosis of runs: a rule, or a few of a kind, in each file, and `Diagnosis`."""

from torchdial.training.diagnosis.diagnosis import Diagnosis

__all__ = ["Diagnosis"]
