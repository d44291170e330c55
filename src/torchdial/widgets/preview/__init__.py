"""Previews: threshold dials over maps, score and NMS dials over boxes, two models compared."""
