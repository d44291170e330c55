"""Images of any layout and kind: layout, windows, Pillow, datasets, overlays."""
