"""Losses: their values against the formulas of a textbook, their gradients against central differences."""

import numpy as np
import pytest

from autoenc.losses import LOSSES

from .gradients import check_gradient

bce, mse = LOSSES["bce"], LOSSES["mse"]


def case(leading=()):
    rng = np.random.default_rng(5)
    return rng.normal(0, 2, (*leading, 5, 7)), rng.random((*leading, 5, 7))


def at(loss, output, target, **options):
    """The loss and its gradient."""
    gradient = np.full_like(output, np.nan)
    return loss(output, target, gradient, **options).compare(), gradient


def naive_bce(z, x):
    y = 1 / (1 + np.exp(-z))
    return -(x * np.log(y) + (1 - x) * np.log(1 - y)).sum(-1).mean(-1)


def naive_mse(y, x):
    return ((y - x) ** 2).sum(-1).mean(-1)


@pytest.mark.parametrize("leading", [(), (3,)], ids=["one", "members"])
@pytest.mark.parametrize("loss, naive", [(bce, naive_bce), (mse, naive_mse)])
def test_value_is_summed_over_pixels_and_averaged_over_samples(loss, naive, leading):
    output, target = case(leading)
    value, gradient = at(loss, output, target)
    assert np.shape(value) == leading and gradient.shape == output.shape
    np.testing.assert_allclose(value, naive(output, target), rtol=1e-12)


@pytest.mark.parametrize("targets", ["grey", "black and white"])
@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_the_slope(name, targets):
    output, target = case((2,))
    if targets == "black and white":
        target = target.round()
    check_gradient(lambda: at(LOSSES[name], output, target)[0].sum(), output, at(LOSSES[name], output, target)[1])


@pytest.mark.parametrize("name", LOSSES)
def test_members_may_share_their_target_and_what_the_arrays_hold_may_change(name):
    output, target = case((2,))
    gradient = np.empty_like(output)
    loss = LOSSES[name](output, target[0], gradient)
    for _ in range(2):
        output += 1
        target += 0.01
        before = output.copy()
        value = loss.compare()
        assert (output == before).all()
        for k in range(2):
            alone, slope = at(LOSSES[name], output[k], target[0])
            np.testing.assert_allclose(value[k], alone, rtol=1e-13)
            np.testing.assert_allclose(gradient[k], slope, rtol=1e-13)


def test_a_count_stands_for_the_number_of_samples():
    output, target = case((2,))
    for loss in bce, mse:
        for averaged, summed in zip(at(loss, output, target), at(loss, output, target, count=1), strict=True):
            np.testing.assert_allclose(summed, 5 * averaged, rtol=1e-13)


def test_mse_takes_gradients_by_rows_and_by_columns():
    output, target = case((2,))
    by_rows, by_columns = np.empty_like(output), np.empty_like(output.mT.copy()).mT
    values = [mse(output, target, gradient).compare() for gradient in (by_rows, by_columns)]
    np.testing.assert_allclose(values[0], values[1], rtol=1e-13)
    np.testing.assert_array_equal(by_rows, by_columns)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bce_of_huge_logits_is_exact(dtype):
    logits = np.array([[1000, -1000, 1000, -1000, 0]], dtype)
    target = np.array([[1, 0, 0, 1, 1]], dtype)
    with np.errstate(all="raise", under="ignore"):
        value, gradient = at(bce, logits, target)
    np.testing.assert_allclose(value, 2000 + np.log(2), rtol=np.finfo(dtype).eps * 2)
    np.testing.assert_array_equal(gradient, [[0, 0, 1, -1, -0.5]])


def test_bce_is_smallest_where_the_output_is_the_grey_of_the_target():
    target = np.array([[0.1, 0.5, 0.8]])
    logits = np.log(target / (1 - target))
    value, gradient = at(bce, logits, target)
    entropy = -(target * np.log(target) + (1 - target) * np.log(1 - target)).sum()
    np.testing.assert_allclose(value, entropy, rtol=1e-14)
    np.testing.assert_allclose(gradient, 0, atol=1e-15)


def test_mse_of_known_numbers():
    value, gradient = at(mse, np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 4.0]]))
    assert value == (4 + 9) / 2
    assert gradient.tolist() == [[0, 2], [3, 0]]
