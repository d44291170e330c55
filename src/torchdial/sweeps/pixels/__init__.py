"""Sweeps of a pixel threshold: level maps, counts, curves, and the mask for production."""
