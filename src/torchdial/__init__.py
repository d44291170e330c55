"""torchdial: Jupyter widgets for people who train PyTorch models.

Turn a dial and see, at once and exactly, what a model's output becomes.

`__init__.pyi` lists the public names. Each is imported when it is first used, so that
`import torchdial` loads neither torch nor ipywidgets.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
