"""Short calls that show images, a loss, gradients, or what a model does with a batch."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from torchdial.inputs.arguments import of_kind
from torchdial.inputs.errors import describe, refusal
from torchdial.inputs.probability_maps import to_tensor
from torchdial.models.between_steps import between_steps
from torchdial.models.inference import undisturbed
from torchdial.training.history.history import History
from torchdial.widgets.base import Widget
from torchdial.widgets.image_grid import ImageGrid
from torchdial.widgets.live.gradient_plot import GradientPlot
from torchdial.widgets.live.loss_plot import LossPlot

SIGNED = "coolwarm"  # its middle is zero


class Visualization:
    """Shows a value with the widget for its kind; outside a notebook, with matplotlib.

    Each call shows a widget and returns it, except `run`, which returns the prediction.

    Args:
        model: what `run` runs.
        device: where `run` computes; None is where the model is.

    Raises:
        ValueError: the model is no module, or the device none.

    Example:
        >>> Visualization().display_loss([1.0, 0.5, 0.25])
        LossPlot(...)
    """

    def __init__(
        self, model: nn.Module | None = None, device: torch.device | str | None = None
    ) -> None:
        if model is not None:
            remedy = "Pass the model itself, or none to show things alone."
            of_kind("model", model, nn.Module, expected="a torch.nn.Module", remedy=remedy)
        self.model = model
        self.device = None if device is None else _to_device(device)

    def display_images(self, images: Any) -> Widget:
        """Show images, in an `ImageGrid`; a vector as a line.

        Args:
            images: tensors or arrays of one to four dimensions, or lists of images.

        Raises:
            ValueError: what cannot be shown, with the reason.
        """
        if _is_vector(images):
            return _show(LossPlot({"values": _vector(images)}))
        return _show(ImageGrid(images))

    def display(self, images: Any) -> Widget:
        """Show images: the short name of `display_images`."""
        return self.display_images(images)

    def display_loss(self, loss: Any) -> Widget:
        """Show a loss, in a `LossPlot`.

        Args:
            loss: a number, a vector or list of numbers, a dict of these by name, a `History` or a
                `TrainingMonitor`.

        Raises:
            ValueError: what is none of these.
        """
        if isinstance(loss, Mapping):
            return _show(LossPlot({str(name): _vector(values) for name, values in loss.items()}))
        if isinstance(loss, History) or hasattr(loss, "history"):
            return _show(LossPlot(loss))
        return _show(LossPlot({"loss": _vector(loss)}))

    def display_grads(self, grads: Any) -> Widget:
        """Show gradients: of layers as norms, of an input as a picture, signs by colour.

        Args:
            grads: a module, for the gradients it holds now; a dict of tensors by name, for their
                norms; or one tensor: a vector is drawn as a line, a matrix, image or batch as
                pictures, whose pixels are the channel that is largest there.

        Raises:
            ValueError: a tensor of more than four dimensions, or no gradients.
        """
        if isinstance(grads, nn.Module):
            return _show(GradientPlot(grads))
        if isinstance(grads, Mapping):
            return _show(GradientPlot(_norms(grads)))
        if _is_vector(grads):
            return _show(LossPlot({"gradient": _vector(grads)}))
        return _show(_signed_grid(to_tensor("grads", grads)))

    def run(
        self, x: Any, y: Any, device: torch.device | str | None = None
    ) -> npt.NDArray[np.floating[Any]]:
        """Predict, and show the gradient of the mean squared error with respect to the input.

        The model runs in eval mode and stays as it was, its own gradients too.

        Args:
            x: the model's input, floating point.
            y: what it should predict, of the prediction's shape.
            device: where to compute, in place of the constructor's.

        Returns:
            The prediction.

        Raises:
            TimeoutError: another thread trains, and none of its steps ended within 2 s.
            ValueError: there is no model, it lies elsewhere, x is not floating point, or y has
                another shape than the prediction.
        """
        model, where = self._model_at(device)
        given = to_tensor("x", x)
        if not given.is_floating_point():
            raise refusal(
                "x",
                expected="floating point, which has a gradient",
                got=describe(given),
                remedy="Convert 0 … 255 with x / 255.",
            )
        inputs, truth = given.to(where), to_tensor("y", y).to(where)
        prediction, gradient = between_steps(lambda: _input_gradient(model, inputs, truth))
        self.display_grads(gradient)
        predicted: npt.NDArray[np.floating[Any]] = prediction.detach().cpu().numpy()
        return predicted

    def _model_at(self, device: torch.device | str | None) -> tuple[nn.Module, torch.device]:
        if self.model is None:
            raise refusal(
                "model",
                expected="a torch.nn.Module",
                got="None",
                remedy="Make it with Visualization(model).",
            )
        first = next(self.model.parameters(), torch.empty(0))
        chosen = device if device is not None else self.device
        where = first.device if chosen is None else torch.device(chosen)
        if first.numel() and where.type != first.device.type:
            raise refusal(
                "device",
                expected=f"{first.device}, where the model is",
                got=f"{where}",
                remedy="Move the model first: model.to(device).",
            )
        return self.model, where


def _input_gradient(
    model: nn.Module, inputs: torch.Tensor, truth: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a prediction, and the gradient of its mean squared error wrt. the inputs."""
    with undisturbed(model), torch.enable_grad():
        inputs = inputs.clone().requires_grad_()
        prediction = model(inputs)
        if truth.shape != prediction.shape:
            raise refusal(
                "y",
                expected=f"the prediction's shape {tuple(prediction.shape)}",
                got=describe(truth),
                remedy="Reshape it: broadcasting would compare the wrong numbers.",
            )
        error = nn.functional.mse_loss(prediction, truth.to(prediction.dtype))
        (gradient,) = torch.autograd.grad(error, inputs)
    return prediction, gradient


def _show(widget: Widget) -> Widget:
    """Display a widget in a notebook, and elsewhere what it prints."""
    if _in_notebook():
        from IPython.display import display

        display(widget)  # type: ignore[no-untyped-call]
        _show_once(widget)
    else:
        from matplotlib import pyplot as plt

        widget.to_matplotlib(plt.figure().add_subplot())
        plt.show()
    return widget


def _show_once(widget: Widget) -> None:
    """Leave out the display of a widget as the result of the cell that has shown it already."""
    shell = sys.modules["IPython"].get_ipython()
    cell = shell.execution_count

    def show_again() -> None:
        del widget._ipython_display_
        if shell.execution_count != cell:
            raise NotImplementedError  # IPython then displays it as any other widget

    widget._ipython_display_ = show_again


def _in_notebook() -> bool:
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    return getattr(shell, "kernel", None) is not None


def _is_vector(value: Any) -> bool:
    """Whether it is a number or a row of numbers."""
    if isinstance(value, (list, tuple)):
        return all(np.ndim(part) == 0 and not hasattr(part, "size") for part in value)
    return getattr(value, "ndim", 2) < 2


def _vector(value: Any) -> npt.NDArray[np.float64]:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
    if isinstance(value, (list, tuple)):
        value = [n.item() if isinstance(n, torch.Tensor) else n for n in value]
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        numbers = np.empty((0, 0))
    if numbers.ndim != 1:
        raise refusal(
            "loss",
            expected="a number or a vector of numbers",
            got=describe(value),
            remedy="Pass a dict of vectors by name to compare several.",
        )
    return numbers


def _norms(grads: Mapping[Any, Any]) -> History:
    named = {str(n): to_tensor(f"grads[{n!r}]", g) for n, g in grads.items() if g is not None}
    if not named:
        raise refusal(
            "grads",
            expected="gradients by name",
            got="none",
            remedy="Call loss.backward() first.",
        )
    history = History("gradients")
    norms = [float(torch.linalg.vector_norm(g.to(torch.float32))) for g in named.values()]
    history.record_layers("grad_norm", list(named), 0, np.array(norms, np.float32))
    return history


def _signed_grid(grads: torch.Tensor) -> ImageGrid:
    if grads.ndim > 4:
        raise refusal(
            "grads",
            expected="at most four dimensions",
            got=describe(grads),
            remedy="Choose one frame or slice.",
        )
    values = grads.to(torch.float32)
    if values.ndim == 2:
        values = values[None]
    elif values.ndim == 3:
        values = _largest(values)[None]
    else:
        values = torch.stack([_largest(image) for image in values])
    most = float(values.abs().nan_to_num().max()) or 1.0
    return ImageGrid(values[:, None], cmap=SIGNED, normalize=(-most, most))


def _largest(image: torch.Tensor) -> torch.Tensor:
    """Return of (C, H, W) the channel of the largest magnitude at each pixel, with its sign."""
    return image.gather(0, image.abs().argmax(0, keepdim=True))[0]


def _to_device(device: Any) -> torch.device:
    try:
        return torch.device(device)
    except Exception:  # whatever it is, it is no device
        raise refusal(
            "device",
            expected="a torch.device or its name",
            got=describe(device),
            remedy='Pass for example "cpu" or "cuda:0".',
        ) from None
