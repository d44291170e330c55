"""Boxes: detections and targets of any library, heads, classes, masks."""
