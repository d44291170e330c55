"""Thin shells: traits and messages. What they show is computed in `inputs` and `sweeps`."""
