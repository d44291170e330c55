"""Figures: bqplot ones to arrange and restyle, matplotlib ones to print.

`__init__.pyi` lists the public names; bqplot is imported when one of them is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
