"""The module table against torchinfo and against counts made by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchinfo
from torch import nn

from tests.structure.architectures import Cnn, Residual, Tied, examples
from torchdial.structure import ModuleTable, module_table

EXAMPLES = examples()


def torchinfo_of(model: nn.Module, example: Any) -> Any:
    data = [example] if isinstance(example, dict) else example
    return torchinfo.summary(model, input_data=data, verbose=0, depth=20)


def of(table: ModuleTable, path: str) -> Any:
    return next(row for row in table.rows if row.path == path)


@pytest.mark.parametrize("name", EXAMPLES)
def test_parameters_are_torchinfos(name: str) -> None:
    model, example = EXAMPLES[name]
    ours, theirs = module_table(model), torchinfo_of(model, example)
    # torchinfo counts a tied weight in both places.
    twice = 240 if name == "shared weights" else 0
    assert ours.rows[0].parameters == theirs.total_params - twice
    assert ours.rows[0].trainable == theirs.trainable_params - twice
    assert ours.rows[0].parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("name", EXAMPLES)
def test_output_shapes_and_parameters_of_every_module_are_torchinfos(name: str) -> None:
    model, example = EXAMPLES[name]
    table, theirs = module_table(model, example), torchinfo_of(model, example)
    shapes: dict[str, list[Any]] = {}  # sorted: torchinfo lists modules as they ran
    for row in table.rows:
        use = table.use(row)
        if use is not None:
            shapes.setdefault(row.kind, []).append((list(use.outputs[0]), row.parameters))
    expected: dict[str, list[Any]] = {}
    for info in theirs.summary_list:
        # torchinfo lists a module once for each call, and containers that are never called.
        if not info.is_recursive and info.output_size:
            expected.setdefault(info.class_name, []).append((info.output_size, info.num_params))
    if name == "shared weights":  # the tied weight is in the embedding's row and in the head's
        expected["Tied"] = [([2, 6, 30], 312)]
    assert {k: sorted(v) for k, v in shapes.items()} == {k: sorted(v) for k, v in expected.items()}


BIASES_AND_NORMS = {
    # torchinfo counts a multiply-add for each bias at each place and for each norm's parameter
    # once a batch; torch.utils.flop_counter counts neither.
    "cnn": 2 * 8 * 16 * 16 + 2 * 16 + 2 * 10,
    "residual": 4 * 2 * 2 * 16 + 2 * 5,
    "nested dict": 2 * 4 * 36 + 2 * 4,
}


@pytest.mark.parametrize("name", BIASES_AND_NORMS)
def test_flops_are_twice_torchinfos_multiply_adds_without_biases_and_norms(name: str) -> None:
    model, example = EXAMPLES[name]
    table, theirs = module_table(model, example), torchinfo_of(model, example)
    use = table.use(table.rows[0])
    assert use is not None
    assert abs(theirs.total_mult_adds - BIASES_AND_NORMS[name] - use.flops / 2) <= 24


def test_flops_of_attention_by_hand() -> None:
    model, example = EXAMPLES["transformer"]
    use = module_table(model, example).seen.uses["encoder.layers.0.self_attn"]
    batch, length, width = 2, 6, 16
    projections = 4 * 2 * batch * length * width * width
    products = 2 * 2 * batch * length * length * width
    assert use.flops == projections + products


def test_flops_of_an_lstm_by_hand() -> None:
    model, example = EXAMPLES["rnn"]
    use = module_table(model, example).seen.uses["lstm"]
    batch, length, width, hidden = 2, 6, 8, 16
    first = 4 * hidden * (width + hidden)
    second = 4 * hidden * (hidden + hidden)
    assert use.flops == 2 * batch * length * (first + second)


def test_a_module_that_runs_twice_counts_twice() -> None:
    model, example = EXAMPLES["residual"]
    table = module_table(model, example)
    relu = table.use(of(table, "blocks.0.relu"))
    assert relu.calls == 2
    assert relu.output_bytes == 2 * 4 * 2 * 8 * 16 * 16


def test_activations_are_what_the_innermost_modules_return() -> None:
    model, example = EXAMPLES["residual"]
    table = module_table(model, example)
    sizes = dict(zip((row.path for row in table.rows), table.activation_bytes(), strict=True))
    image, block = 4 * 2 * 8 * 16 * 16, 6  # two convolutions, two norms, one ReLU twice
    assert sizes["blocks.0"] == block * image
    assert sizes[""] == image + 4 * block * image + 4 * 2 * 5
    assert module_table(model).activation_bytes()[0] is None


def test_the_same_module_in_two_places_is_named_and_counted_once() -> None:
    table = module_table(Tied())
    assert of(table, "second").same_as == "first"
    assert of(table, "head").shared == ("weight = embedding.weight",)
    assert table.rows[0].parameters == 30 * 8 + 8 * 8 + 8


def test_repeated_blocks_fold() -> None:
    model, example = EXAMPLES["residual"]
    table = module_table(model, example)
    (fold,) = table.folds()
    assert table.rows[fold.start].path == "blocks.0"
    assert (fold.size, fold.count) == (6, 4)
    assert "Block ×4" in table.text()
    assert "blocks.1" not in table.text()


def test_blocks_of_other_sizes_do_not_fold() -> None:
    blocks = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 5))
    (fold,) = module_table(blocks).folds()
    assert fold.count == 2


def test_frozen_parameters_and_mixed_types_are_named() -> None:
    model = Cnn()
    model[0].weight.requires_grad_(False)
    model[7].half()
    root = module_table(model).rows[0]
    assert root.trainable == root.parameters - 3 * 8 * 9
    assert (root.dtype, root.device) == ("mixed", "cpu")
    assert root.parameter_bytes == sum(p.numel() * p.element_size() for p in model.parameters())


def test_a_forward_that_raises_shows_how_far_it_came() -> None:
    model = Residual()
    model.head = nn.Linear(9, 5)
    table = module_table(model, torch.rand(2, 3, 16, 16))
    assert table.failure.path == "head"
    assert table.failure.inputs == ((2, 8),)
    assert table.failure.message.startswith("RuntimeError: mat1 and mat2")
    assert table.use(of(table, "blocks.3")) is not None
    assert table.use(of(table, "head")) is None
    assert "head: Linear ✗ failed here" in table.text()
    assert "given 2×8" in table.text()


def test_an_error_that_the_model_catches_is_no_failure() -> None:
    class Careful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wrong, self.right = nn.Linear(3, 1), nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            try:
                return self.wrong(x)
            except RuntimeError:
                return self.right(x)

    table = module_table(Careful(), torch.rand(2, 4))
    assert table.failure is None
    assert set(table.seen.uses) == {"", "right"}


@pytest.mark.parametrize(
    ("example", "expected"),
    [
        pytest.param(torch.rand(2, 4), ((2, 1),), id="a tensor"),
        pytest.param((torch.rand(2, 4),), ((2, 1),), id="a tuple of arguments"),
        pytest.param([torch.rand(2, 4), torch.rand(2)], ((2, 1),), id="a loader's batch"),
        pytest.param({"x": torch.rand(2, 4)}, ((2, 1),), id="keyword arguments"),
        pytest.param(torch.rand(2, 4).double(), ((2, 1),), id="another dtype"),
    ],
)
def test_takes_examples_as_people_have_them(example: Any, expected: Any) -> None:
    class One(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    assert module_table(One(), example).seen.uses[""].outputs == expected


def test_a_model_without_parameters_and_one_that_is_lazy() -> None:
    assert module_table(nn.ReLU(), torch.rand(3)).rows[0].parameters == 0
    lazy = nn.Sequential(nn.LazyLinear(5), nn.ReLU())
    table = module_table(lazy, torch.rand(2, 3))
    assert table.rows[1].lazy
    assert table.seen.uses["0"].outputs == ((2, 5),)
    assert isinstance(lazy[0], nn.LazyLinear)


def test_a_model_on_the_meta_device_has_shapes_and_flops() -> None:
    with torch.device("meta"):
        model, images = Cnn(), torch.rand(2, 3, 16, 16)
    table, real = module_table(model, images), module_table(Cnn(), torch.rand(2, 3, 16, 16))
    assert table.failure is None
    for ours, theirs in zip(table.rows, real.rows, strict=True):
        ours_use, theirs_use = table.use(ours), real.use(theirs)
        assert ours_use is not None
        assert theirs_use is not None
        assert (ours_use.outputs, ours_use.flops) == (theirs_use.outputs, theirs_use.flops)


def test_an_example_on_the_meta_device_stays_there() -> None:
    class PartlyReal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mask = nn.Parameter(torch.Tensor(4))  # as transformers' HuBERT makes it
            self.layer = nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    with torch.device("meta"):
        model, example = PartlyReal(), torch.rand(3, 4)
    assert {p.device.type for p in model.parameters()} == {"cpu", "meta"}
    table = module_table(model, example)
    assert table.failure is None
    assert table.use(table.rows[0]).outputs == ((3, 2),)


def test_compiled_models_are_shown_as_they_were_written_and_compile_nothing() -> None:
    calls = []

    def backend(graph: Any, _inputs: Any) -> Any:
        calls.append(graph)
        return graph.forward

    inner = nn.Sequential(torch.compile(nn.Linear(4, 4), backend=backend), nn.ReLU())
    whole = torch.compile(inner, backend=backend)
    in_place = nn.Linear(4, 4)
    in_place.compile(backend=backend)
    for model, paths in ((inner, ["", "0", "1"]), (whole, ["", "0", "1"]), (in_place, [""])):
        table = module_table(model, torch.rand(2, 4))
        assert [row.path for row in table.rows] == paths
        assert table.failure is None
        assert table.seen.uses[""].outputs == ((2, 4),)
    assert not calls
    assert in_place._compiled_call_impl is not None
    assert type(inner[0]).__name__ == "OptimizedModule"


def test_leaves_modes_random_state_buffers_and_hooks_alone() -> None:
    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3, momentum=None)
            self.register_buffer("calls", torch.zeros(()))
            self.register_buffer("last", torch.zeros(2, 3, 4, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            self.last = x
            return self.norm(x) + torch.rand_like(x)

    model = nn.Sequential(Noisy(), nn.Dropout(0.5), nn.Conv2d(3, 3, 1))
    model[1].eval()
    model[2].register_forward_hook(lambda *_: None)
    modes = [m.training for m in model.modules()]
    hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()]
    buffers = {name: (id(b), b.clone()) for name, b in model.named_buffers()}
    random_state = torch.get_rng_state()
    module_table(model, torch.rand(2, 3, 4, 4))
    assert [m.training for m in model.modules()] == modes
    assert [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.modules()] == hooks
    assert torch.equal(torch.get_rng_state(), random_state) is False  # torch.rand above moved it
    for name, buffer in model.named_buffers():
        assert id(buffer) == buffers[name][0], name
        assert torch.equal(buffer, buffers[name][1]), name


def test_random_state_is_untouched() -> None:
    model, example = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 4)), torch.rand(2, 4)
    before = torch.get_rng_state()
    module_table(model, example)
    assert torch.equal(torch.get_rng_state(), before)


def test_two_thousand_modules_and_a_thousand_deep() -> None:
    wide = nn.Sequential(*(nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(700)))
    assert len(module_table(wide).rows) == 2101
    deep: nn.Module = nn.Linear(2, 2)
    for _ in range(1000):
        deep = nn.Sequential(deep)
    assert module_table(deep).rows[-1].depth == 1000
    assert len(module_table(deep).folds()) == 0


def test_a_long_name_makes_no_line_of_the_text_long() -> None:
    relu = nn.ReLU()
    model = nn.Sequential()
    model.add_module("a" * 60, nn.Linear(2, 2))
    model.add_module("b" * 100_000, type("K" * 61, (nn.Identity,), {})())
    model.add_module("c" * 50, nn.ModuleDict({"d" * 50: relu}))
    model.add_module("again", relu)
    table = module_table(model)
    lines = table.text().split("\n")
    for words in (
        f"  {'a' * 60}: Linear ",
        f"  {'b' * 59}…: {'K' * 59}… ",
        f"  again: ReLU = {'c' * 50}.{'d' * 50} ",
    ):
        assert [line for line in lines if line.startswith(words)], words
    assert max(map(len, lines)) < 150
    assert table.rows[2].name == "b" * 100_000


def test_pandas_has_a_row_for_each_module() -> None:
    model, example = EXAMPLES["cnn"]
    frame = module_table(model, example).to_pandas()
    assert list(frame["kind"][:2]) == ["Cnn", "Conv2d"]
    assert frame["parameters"][1] == 224
    assert frame["outputs"][1] == ((2, 8, 16, 16),)


def test_refuses_what_is_no_module() -> None:
    with pytest.raises(ValueError, match=r"model: expected a torch\.nn\.Module, got str 'resnet'"):
        module_table("resnet")  # type: ignore[arg-type]


class Detector(nn.Module):
    """Takes a list of images, as torchvision's detectors do."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, images: Any, targets: Any = None) -> list[Any]:
        if targets is not None:
            raise TypeError("targets should not be passed in eval mode")
        return [self.conv(image[None]) for image in images]


def test_a_list_that_cannot_be_spread_is_one_argument() -> None:
    table = module_table(Detector(), [torch.rand(3, 8, 8), torch.rand(3, 9, 7)])
    assert table.failure is None
    assert of(table, "").path == ""
    use = table.use(table.rows[0])
    assert use is not None
    assert use.outputs == ((1, 4, 6, 6), (1, 4, 7, 5))


def test_a_list_that_fails_either_way_says_how_the_arguments_failed() -> None:
    table = module_table(Detector(), [torch.rand(2, 8, 8), torch.rand(2, 9, 7)])
    assert table.failure is not None
    assert "targets should not be passed" in table.failure.message


@pytest.mark.parametrize("make", [torch.jit.script, lambda m: torch.jit.trace(m, torch.rand(2, 4))])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_modules_are_shown(make: Any) -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Sequential(nn.Linear(8, 2)))
    plain, scripted = (module_table(m, torch.rand(2, 4)) for m in (model, make(model)))
    assert [(r.path, r.kind, r.parameters) for r in scripted.rows] == [
        (r.path, r.kind, r.parameters) for r in plain.rows
    ]
    ours, theirs = scripted.use(scripted.rows[0]), plain.use(plain.rows[0])
    assert ours is not None
    assert theirs is not None
    assert (ours.outputs, ours.flops) == (theirs.outputs, theirs.flops)
    inside = nn.Sequential(nn.Linear(4, 4), make(model))
    assert module_table(inside, torch.rand(2, 4)).failure is None


class Uncounted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4))
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return torch.mv(self.linear(x), self.weight) + torch.dot(self.weight, self.weight)


def test_products_that_torchs_counter_lacks_are_named() -> None:
    table = module_table(Uncounted(), torch.rand(2, 4))
    assert table.seen is not None
    assert table.seen.uncounted == ("aten.mv", "aten.dot")
    assert "64 FLOPs forward, without aten.mv, aten.dot" in table.summary()
    assert module_table(nn.Linear(4, 4), torch.rand(2, 4)).seen.uncounted == ()  # type: ignore


@pytest.mark.skipif(not hasattr(torch, "_grouped_mm"), reason="torch has no _grouped_mm yet")
def test_a_mixture_of_experts_is_not_counted_in_silence() -> None:
    class Experts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(2, 16, 16, dtype=torch.bfloat16))

        def forward(self, x: Any) -> Any:
            ends = torch.tensor([3, 8], dtype=torch.int32)
            return torch._grouped_mm(x.to(torch.bfloat16), self.weight, offs=ends)

    table = module_table(Experts(), torch.rand(8, 16))
    assert table.failure is None
    assert table.seen is not None
    assert "aten._grouped_mm" in table.seen.uncounted or table.use(table.rows[0]).flops > 0  # type: ignore
