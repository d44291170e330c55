"""Steering a run: stop, pause, dials, the training loop, interrupts, the worker thread."""
