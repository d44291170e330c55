"""What is read off tensors, against values worked out by hand or by another way of counting."""

import math

import numpy as np
import pytest
import torch

from torchdial.training.history.layer_histograms import EXPONENTS
from torchdial.training.recording.gradient_statistics import (
    copied,
    largest,
    log2_counts,
    norm_without_overflow,
    norms,
    plain,
    thinned,
    updates,
)

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("values", "dtype", "norm", "most"),
    [
        pytest.param([3, 4], torch.float32, 5.0, 4.0, id="3-4-5"),
        pytest.param([3, -4], torch.float64, 5.0, 4.0, id="signs do not matter"),
        pytest.param([0, 0], torch.float32, 0.0, 0.0, id="zeros"),
        pytest.param([256, 256, 256, 256], torch.float16, 512.0, 256.0, id="half in float32"),
        pytest.param([60000, 60000], torch.float16, 84852.8137, 60000.0, id="above half's range"),
        pytest.param([3, 4], torch.bfloat16, 5.0, 4.0, id="bfloat16"),
        pytest.param([1, NAN], torch.float32, NAN, NAN, id="NaN shows in both"),
        pytest.param([1, -INF], torch.float32, INF, INF, id="infinity shows in both"),
    ],
)
def test_norms_and_largest(values, dtype, norm, most):
    tensor = torch.tensor(values, dtype=dtype)
    assert float(norms([tensor])[0]) == pytest.approx(norm, nan_ok=True)
    assert float(largest([tensor])[0]) == pytest.approx(most, nan_ok=True)
    wide = torch.float64 if dtype is torch.float64 else torch.float32
    assert norms([tensor])[0].dtype is wide


def test_ones_added_up_one_by_one_in_half_precision_would_end_at_2048():
    many = torch.full((16384,), 1.0, dtype=torch.float16)
    assert float(norms([many])[0]) == 128.0


def test_norms_of_several_dtypes_keep_their_order():
    tensors = [torch.tensor([3.0, 4.0]), torch.tensor([2.0]).half(), torch.tensor([6.0, 8.0])]
    assert [float(norm) for norm in norms(tensors)] == [5.0, 2.0, 10.0]


def test_without_the_private_function_the_norms_are_the_same(monkeypatch):
    tensors = [torch.randn(50, 3), torch.randn(7)]
    expected = [float(norm) for norm in norms(tensors)]
    monkeypatch.delattr(torch, "_foreach_norm")
    assert [float(norm) for norm in norms(tensors)] == expected


def test_a_norm_that_overflows_though_no_value_does():
    tensor = torch.tensor([3e30, 4e30])
    assert float(norms([tensor])[0]) == INF
    assert float(norm_without_overflow(tensor)) == pytest.approx(5e30, rel=1e-6)
    assert float(norm_without_overflow(torch.tensor([1.0, INF]))) == INF
    assert math.isnan(float(norm_without_overflow(torch.tensor([1.0, NAN]))))


def test_a_sparse_gradient_counts_the_sum_over_repeated_indices():
    indices = torch.tensor([[0, 2, 0], [1, 0, 1]])
    sparse = torch.sparse_coo_tensor(indices, torch.tensor([1.0, 4.0, 2.0]), (3, 2))
    assert float(norms([plain(sparse)])[0]) == 5.0  # 1 + 2 at (0, 1), 4 at (2, 0)
    assert float(norms([plain(sparse.coalesce())])[0]) == 5.0
    embedding = torch.sparse_coo_tensor(torch.tensor([[1, 1]]), torch.ones(2, 4), (3, 4))
    assert float(norms([plain(embedding)])[0]) == 4.0  # a row of four twos


def test_a_complex_gradient_counts_both_parts():
    assert float(norms([plain(torch.tensor([3 + 4j]))])[0]) == 5.0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_counts_equal_those_of_numpy(dtype):
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(3000, generator=generator) * torch.logspace(-14, 5, 3000)
    values = torch.cat([values.to(dtype), torch.tensor([0.0, 1.0, -1.0, 0.5]).to(dtype)])
    edges = [0, *(2.0**e for e in EXPONENTS), INF]
    expected, _ = np.histogram(values.double().abs().numpy(), edges)
    assert log2_counts(values).tolist() == expected.tolist()


def test_both_ways_of_counting_agree_with_nan_and_infinity_on_top():
    from torchdial.training.recording.gradient_statistics import _by_exponent, _by_order

    values = torch.cat([torch.randn(500) * 1e-6, torch.tensor([NAN, INF, -INF, 0.0, 2.0**16])])
    assert _by_exponent(values).tolist() == _by_order(values).tolist()
    assert int(_by_exponent(values)[-1]) == 4


def test_counts_are_of_what_is_left_after_the_scale():
    scaled = torch.tensor([1.0, 4.0]) * 65536
    expected = log2_counts(torch.tensor([1.0, 4.0]))
    assert torch.equal(log2_counts(scaled, torch.tensor(65536.0)), expected)


@pytest.mark.parametrize("shape", [(512, 512, 3, 3), (1000, 512), (4096, 96)])
def test_some_stand_for_all_without_favour(shape):
    tensor = torch.arange(math.prod(shape))
    some = thinned(tensor.view(shape), 1 << 16)
    assert len(some) <= 1 << 16
    assert len(some) > 1 << 15
    inner = some % shape[-1]
    share = torch.bincount(inner, minlength=shape[-1]).float() / len(some) * shape[-1]
    assert share.min() > 0.5  # each column is there about as often as any other
    assert share.max() < 1.5


def test_counts_of_a_large_tensor_add_up_to_its_size():
    tensor = torch.randn(3_000_001)
    assert float(log2_counts(tensor).sum()) == pytest.approx(3_000_001, rel=1e-6)


def test_updates_are_the_norms_of_the_differences():
    weights = [torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0], [1.0]], dtype=torch.bfloat16)]
    before = copied(weights)
    weights[0].sub_(torch.tensor([[0.3, 0.4]]))
    weights[1].mul_(2)
    assert [float(norm) for norm in updates(before, weights)] == pytest.approx([0.5, math.sqrt(2)])


def test_the_update_of_a_large_weight_is_near_the_true_one():
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(512, 512, 3, 3, generator=generator)
    step = 1e-3 * torch.randn(weight.shape, generator=generator)
    before = copied([weight])
    true = float(step.norm() / weight.norm())
    weight.sub_(step)
    assert float(updates(before, [weight])[0] / norms(before)[0]) == pytest.approx(true, rel=0.02)
