"""Validation of what users pass, and its conversion to one canonical form.

Nothing here imports widgets. Each function validates once; its result is used without checks.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
