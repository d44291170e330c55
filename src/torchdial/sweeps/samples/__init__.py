"""Scores of samples: classification metrics, curves and the frame of a preview."""
