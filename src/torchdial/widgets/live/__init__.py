"""Live plots of a run: loss, gradients, the training panel, and what they send to the page."""
