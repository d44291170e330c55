"""The gradients that a model holds at this moment."""

from __future__ import annotations

from torch import nn

from torchdial.inputs.errors import refusal
from torchdial.training.history.history import History
from torchdial.training.recording.device_buffers import Recorder
from torchdial.training.recording.gradient_reader import GradientReader
from torchdial.training.recording.record_writer import RecordWriter
from torchdial.training.recording.step_records import StepRecord
from torchdial.training.recording.watched_parameters import Parameters, chooser


def gradients_now(model: nn.Module, history: History | None = None) -> History:
    """Return a history of one step more with each gradient's norm, largest value and histogram.

    Args:
        model: its parameters' `grad` are read, nothing is changed. Parameters without one are left
            out.
        history: where to add a step; None makes a new one.

    Raises:
        ValueError: no parameter has a gradient.

    Example:
        >>> model = torch.nn.Linear(2, 1, bias=False)
        >>> model(torch.tensor([[3.0, 4.0]])).backward()
        >>> gradients_now(model).layers["grad_norm"].max
        array([[5.]], dtype=float32)
    """
    parameters = Parameters({"": model}, chooser())
    named = {name: p for name, p in model.named_parameters() if p.grad is not None}
    recorder = Recorder[StepRecord](chunked=lambda _: False)
    reading = GradientReader(parameters, recorder).read(named, "sample")
    if reading is None:
        raise refusal(
            "model",
            expected="a model whose parameters hold gradients",
            got="none with a gradient",
            remedy="Call loss.backward() first, and plot before zero_grad().",
        )
    history = History("gradients now") if history is None else history
    matrix = history.layers.get("grad_norm")
    step = 0 if matrix is None else int(matrix.steps[-1]) + 1
    reading.rows = reading.names
    record = StepRecord(0, "sample", reading=reading)
    record.close(serial=0, step=step, time=history.now)
    RecordWriter(history).write([record])
    return history
