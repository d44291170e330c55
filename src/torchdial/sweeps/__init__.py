"""Every position of a dial, computed once: pure functions and plain dataclasses on torch alone.

Only `torchdial.sweeps.torchmetrics` imports torchmetrics.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
