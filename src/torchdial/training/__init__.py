"""What happens in a run: its history, gradients, diagnosis and control. torch and numpy only."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
