"""Sweeps of the score threshold and the NMS IoU: kept boxes, matching, counts, curves, AP."""
