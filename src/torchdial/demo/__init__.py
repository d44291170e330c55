"""Small, real data and small models to try the widgets on, without a download.

`digit_scenes` composes handwritten digits on photographed textures and returns
exact masks, class maps and boxes; `train_unet` fits a `UNet` to them in seconds
on a CPU, `train_detector` a `DigitDetector` in about a minute.
Importing this package needs torch and numpy only; making scenes also needs
scikit-learn and scikit-image (``pip install "torchdial[demo]"``).

Example:
    >>> from torchdial.demo import UNet, digit_scenes, train_unet
    >>> model = UNet(width=4)
    >>> losses = train_unet(model, digit_scenes(16, size=32), epochs=1)
    >>> len(losses)
    1
"""

from torchdial.demo.digit_detector import DigitDetector, train_detector
from torchdial.demo.digit_scenes import DigitScenes, digit_scenes
from torchdial.demo.unet import UNet, train_unet

__all__ = [
    "DigitDetector",
    "DigitScenes",
    "UNet",
    "digit_scenes",
    "train_detector",
    "train_unet",
]
