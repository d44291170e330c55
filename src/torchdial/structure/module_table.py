"""The module table: the tree and what a forward pass showed, to fold, sort, print and export."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from torch import nn

from torchdial.structure.forward_pass import ForwardFailure, ForwardPass, ModuleUse, watch_forward
from torchdial.structure.module_rows import ModuleRow, module_rows, refuse_no_module

if TYPE_CHECKING:
    import pandas as pd

LONGEST_NAME = 60  # letters of a name in the text


@dataclass(frozen=True)
class Fold:
    """A run of equal blocks, of which the first is shown.

    Attributes:
        start: row of the first block.
        size: rows of one block, itself and all below.
        count: how many blocks.
    """

    start: int
    size: int
    count: int


class ModuleTable:
    """The modules of a model, parents before children, and what they did on an example.

    Attributes:
        rows: the modules.
        seen: the forward pass, None without an example.

    Example:
        >>> table = module_table(nn.Sequential(nn.Linear(4, 8), nn.ReLU()), torch.rand(2, 4))
        >>> [(row.kind, row.parameters, table.use(row).outputs) for row in table.rows[1:]]
        [('Linear', 40, ((2, 8),)), ('ReLU', 0, ((2, 8),))]
    """

    def __init__(self, rows: Sequence[ModuleRow], seen: ForwardPass | None = None) -> None:
        self.rows = tuple(rows)
        self.seen = seen

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.rows)

    @property
    def failure(self) -> ForwardFailure | None:
        """Where the forward pass broke, None if it did not or there was none."""
        return None if self.seen is None else self.seen.failure

    def use(self, row: ModuleRow) -> ModuleUse | None:
        """Return what a module did, None if it did not run. One that stands twice is shown once."""
        return None if self.seen is None else self.seen.uses.get(row.path)

    def activation_bytes(self) -> list[int | None]:
        """Return for each row the memory of what the innermost modules in it returned.

        All calls together: about what a backward pass would find kept. None where nothing ran.
        """
        totals: list[int | None] = [None] * len(self.rows)
        ends = _ends(self.rows)
        for i in reversed(range(len(self.rows))):
            use = self.use(self.rows[i])
            below = [totals[j] for j in _children(ends, i)]
            ran = [size for size in below if size is not None]
            if ran:
                totals[i] = sum(ran)
            elif use is not None:
                totals[i] = use.output_bytes
        return totals

    def folds(self) -> list[Fold]:
        """Return the runs of equal neighbours, in order: nested ones lie in the first block alone.

        Blocks are equal if their modules, arguments, numbers of parameters and output shapes are.
        """
        ends = _ends(self.rows)
        keys = [self._key(row) for row in self.rows]
        found: list[Fold] = []
        i = 0
        while i < len(self.rows):
            size = ends[i] - i
            count = 1
            block = keys[i : i + size]
            while keys[i + count * size : i + (count + 1) * size] == block:
                count += 1
            if count > 1:
                found.append(Fold(i, size, count))
                inner = ModuleTable(self.rows[i + 1 : i + size], self.seen).folds()
                found.extend(Fold(f.start + i + 1, f.size, f.count) for f in inner)
                i += count * size
            else:
                i += 1
        return found

    def text(self) -> str:
        """Return the table as text, repeated blocks folded to "×12", names cut to 60 letters."""
        hidden: set[int] = set()
        times: dict[int, int] = {}
        for fold in self.folds():
            times[fold.start] = fold.count
            hidden.update(range(fold.start + fold.size, fold.start + fold.size * fold.count))
        shown = [i for i in range(len(self.rows)) if i not in hidden]
        header = ["module", "output", "parameters", "FLOPs", "time"]
        lines = [self._cells(self.rows[i], times.get(i, 1)) for i in shown]
        columns = [c for c in range(5) if c in (0, 2) or any(line[c] for line in lines)]
        widths = [max(len(line[c]) for line in [header, *lines]) for c in range(5)]
        body = [
            "  ".join(
                line[c].ljust(widths[c]) if c < 2 else line[c].rjust(widths[c]) for c in columns
            ).rstrip()
            for line in [header, *lines]
        ]
        rule = "─" * max(map(len, body))
        return "\n".join([body[0], rule, *body[1:], rule, *self.summary()])

    def summary(self) -> list[str]:
        """Return sums over the model, what they lack, and where the forward pass broke."""
        root = self.rows[0]
        lines = [
            f"{root.parameters:,} parameters, {root.trainable:,} trainable, "
            f"{short_number(root.parameter_bytes, 1024)}B"
        ]
        use = self.use(root)
        if use is not None:
            flops = f"{short_number(use.flops).strip()} FLOPs forward"
            uncounted = self.seen.uncounted if self.seen is not None else ()
            lines.append(flops + (f", without {', '.join(uncounted)}" if uncounted else ""))
        if self.failure is not None:
            given = " ".join(map(shape_text, self.failure.inputs))
            where = shorten(self.failure.path or "model")
            lines.append(f"failed in {where}, given {given}: {self.failure.message}")
        return lines

    def to_pandas(self) -> pd.DataFrame:
        """Return a row for each module: fields of `ModuleRow` and `ModuleUse`, activation bytes."""
        import pandas as pd

        frame = pd.DataFrame([vars(row) | self._use_as_dict(row) for row in self.rows])
        return frame.assign(activation_bytes=self.activation_bytes())

    def _use_as_dict(self, row: ModuleRow) -> dict[str, Any]:
        use = self.use(row)
        return {f.name: None if use is None else getattr(use, f.name) for f in fields(ModuleUse)}

    def _key(self, row: ModuleRow) -> tuple[Any, ...]:
        use = self.use(row)
        return (
            row.depth,
            "" if row.name.isdigit() else row.name,
            row.kind,
            row.arguments,
            row.parameters,
            row.trainable,
            row.same_as,
            None if use is None else (use.calls, use.outputs),
        )

    def _cells(self, row: ModuleRow, times: int) -> list[str]:
        use = self.use(row)
        name = row.name or "model"
        words = [
            f"{'  ' * row.depth}{shorten(name)}: {shorten(row.kind)}",
            f"×{times}" if times > 1 else "",
        ]
        if row.same_as is not None:
            words.append(f"= {shorten(row.same_as or 'model')}")
        if self.failure is not None and self.failure.path == row.path:
            words.append("✗ failed here")
        return [
            " ".join(word for word in words if word),
            "" if use is None else " ".join(map(shape_text, use.outputs)),
            "lazy" if row.lazy else f"{row.parameters:,}" if row.parameters else "–",
            "" if use is None or not use.flops else short_number(use.flops).strip(),
            "" if use is None or use.seconds is None else f"{1000 * use.seconds:.3g} ms",
        ]


def module_table(model: nn.Module, example_input: Any = None) -> ModuleTable:
    """Return the module table of a model; with an example, what every module did on it.

    Args:
        model: any module; lazy, compiled, frozen, without parameters.
        example_input: see `watch_forward`; None runs nothing.

    Raises:
        ValueError: the model is no module.

    Example:
        >>> print(module_table(nn.Sequential(nn.Linear(4, 8), nn.ReLU())).text())
        module             parameters
        ─────────────────────────────
        model: Sequential          40
          0: Linear                40
          1: ReLU                   –
        ─────────────────────────────
        40 parameters, 40 trainable, 160 B
    """
    refuse_no_module(model)
    seen = None if example_input is None else watch_forward(model, example_input)
    return ModuleTable(module_rows(model), seen)


def shape_text(shape: Sequence[int]) -> str:
    """Return "2×3×32×32", or "scalar"."""
    return "×".join(map(str, shape)) or "scalar"


def shorten(path: str) -> str:
    """Return a path whose names leave room beside them: a long one makes every line as long."""
    return ".".join(
        name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
        for name in path.split(".")
    )


def short_number(value: float, step: int = 1000) -> str:
    """Return four significant digits with k, M, G or T."""
    for unit in (" ", " k", " M", " G"):
        if abs(value) < step:
            return f"{value:.4g}{unit}"
        value /= step
    return f"{value:.4g} T"


def _children(ends: Sequence[int], row: int) -> Iterator[int]:
    """Yield the rows one below a row."""
    child = row + 1
    while child < ends[row]:
        yield child
        child = ends[child]


def _ends(rows: Sequence[ModuleRow]) -> list[int]:
    """Return for each row the first one after it that is not below it."""
    ends = [len(rows)] * len(rows)
    open_rows: list[int] = []
    for i, row in enumerate(rows):
        while open_rows and rows[open_rows[-1]].depth >= row.depth:
            ends[open_rows.pop()] = i
        open_rows.append(i)
    return ends
