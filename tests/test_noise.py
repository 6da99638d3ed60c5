"""Noise has no formula to compare with: what it does is counted, over many pixels, with fixed seeds.

A count may be four standard errors off.
"""

import math

import numpy as np
import pytest

from autoenc import characters, noise

MANY = np.tile(characters("lowercase")[0], (100, 1))
KINDS = {
    "mutate": lambda x, rng: noise.mutate(x, 0.5, rng=rng),
    "flip": lambda x, rng: noise.flip(x, 0.5, rng=rng),
    "gaussian": lambda x, rng: noise.gaussian(x, 0.5, rng=rng),
    "salt_and_pepper": lambda x, rng: noise.salt_and_pepper(x, 0.5, rng=rng),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def assert_rate(happened, probability):
    """The share of True in `happened` is `probability`, within four standard errors."""
    error = math.sqrt(probability * (1 - probability) / happened.size)
    assert abs(happened.mean() - probability) <= 4 * error


def assert_uniform(values, low, high):
    """Mean and every tenth of the range are those of U(low, high)."""
    unit = (values - low) / (high - low)
    assert unit.min() >= 0 and unit.max() <= 1
    assert abs(unit.mean() - 1 / 2) <= 4 * math.sqrt(1 / 12 / unit.size)
    for tenth in range(10):
        assert_rate((tenth / 10 <= unit) & (unit < (tenth + 1) / 10), 0.1)


@kinds
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(32, 35), (3, 32, 35), (2, 3, 4, 5)])
def test_shape_and_dtype_are_kept_and_the_input_is_left_alone(kind, shape, dtype):
    x = np.random.default_rng(0).random(shape).astype(dtype)
    before = x.copy()
    y = KINDS[kind](x, 1)
    assert y.shape == shape and y.dtype == dtype
    assert (x == before).all() and not np.shares_memory(x, y) and (y != x).any()


@kinds
def test_the_seed_decides(kind):
    np.testing.assert_array_equal(KINDS[kind](MANY, 7), KINDS[kind](MANY, np.random.default_rng(7)))
    assert (KINDS[kind](MANY, 7) != KINDS[kind](MANY, 8)).any()


@kinds
def test_a_generator_gives_fresh_noise_each_time(kind):
    rng = np.random.default_rng(7)
    assert (KINDS[kind](MANY, rng) != KINDS[kind](MANY, rng)).any()


@kinds
def test_members_are_spoilt_independently(kind):
    x = np.broadcast_to(MANY, (2, *MANY.shape))
    one, other = (np.abs(KINDS[kind](x, 3) - x) > 0.25).reshape(2, -1)
    correlation = np.corrcoef(one, other)[0, 1]
    assert abs(correlation) <= 4 / math.sqrt(one.size)


class Lowest(np.random.Generator):
    """A generator whose uniform numbers are all the smallest that there is."""
    def random(self, size=None, dtype=np.float64):
        return np.zeros(size, dtype)


@kinds
def test_no_noise_is_no_change_not_even_for_the_smallest_number(kind):
    np.testing.assert_array_equal(getattr(noise, kind)(MANY / 4, 0, rng=Lowest(np.random.PCG64(0))), MANY / 4)


@pytest.mark.parametrize("probability", [0.2, 0.7, 1])
def test_mutate_moves_pixels_with_its_probability_towards_the_other_value(probability):
    y = noise.mutate(MANY, probability, rng=1)
    assert_rate(y != MANY, probability)
    moved = y != MANY
    assert_uniform(np.where(MANY == 0, y, 1 - y)[moved], 0, 0.5)


def test_mutate_moves_grey_pixels_away_from_their_side():
    x = np.tile([0.2, 0.4, 0.5, 0.9], (50, 1))
    y = noise.mutate(x, 1, rng=0, amplitude=0.1)
    assert ((y > x) == (x < 0.5)).all()
    assert np.abs(y - x).max() <= 0.1


@pytest.mark.parametrize("amplitude", [0.1, 1.0])
def test_mutate_moves_as_far_as_its_amplitude(amplitude):
    y = noise.mutate(MANY.astype(np.float64), 1, rng=2, amplitude=amplitude)
    assert_uniform(np.abs(y - MANY), 0, amplitude)


@pytest.mark.parametrize("count", [0, 1, 15, 32])
def test_mutate_spoils_count_rows_of_each_member_any_of_them_alike(count):
    x = np.broadcast_to(characters("lowercase")[0], (2000, 32, 35))
    spoilt = (noise.mutate(x, 1, rng=4, count=count) != x).any(-1)
    assert (spoilt.sum(-1) == count).all()
    for row in range(32):
        assert_rate(spoilt[:, row], count / 32)


@pytest.mark.parametrize("probability", [0.1, 0.5, 1])
def test_flip_turns_pixels_with_its_probability(probability):
    y = noise.flip(MANY, probability, rng=1)
    assert_rate(y != MANY, probability)
    assert set(np.unique(y)) == {0, 1}
    assert_rate(y[MANY == 1] == 0, probability)
    assert_rate(y[MANY == 0] == 1, probability)


def test_flip_turns_a_grey_pixel_into_its_negative():
    x = np.array([[0.25, 0.75, 1.0]])
    np.testing.assert_array_equal(noise.flip(x, 1, rng=0), [[0.75, 0.25, 0]])


def test_gaussian_has_mean_zero_and_deviation_sigma_and_is_not_clipped():
    z = (noise.gaussian(MANY.astype(np.float64), 0.3, rng=1) - MANY) / 0.3
    assert abs(z.mean()) <= 4 / math.sqrt(z.size)
    assert abs(z.var() - 1) <= 4 * math.sqrt(2 / z.size)
    assert_rate(np.abs(z) < 1, math.erf(1 / math.sqrt(2)))
    assert_rate(z > 2, 0.5 * math.erfc(2 / math.sqrt(2)))


@pytest.mark.parametrize("probability", [0.2, 1])
def test_salt_and_pepper_replaces_pixels_by_zero_or_one_alike(probability):
    x = np.full_like(MANY, 0.5)
    y = noise.salt_and_pepper(x, probability, rng=1)
    assert set(np.unique(y)) <= {0, 0.5, 1}
    assert_rate(y == 0, probability / 2)
    assert_rate(y == 1, probability / 2)


def test_gaussian_adds_what_the_generator_draws():
    y = noise.gaussian(MANY, 0.5, rng=7)
    np.testing.assert_array_equal(y, (MANY + 0.5 * np.random.default_rng(7).standard_normal(MANY.shape)).astype(MANY.dtype))


X = MANY[:4]


@pytest.mark.parametrize("name, call", [
    ("probability", lambda: noise.mutate(X, 1.5)),
    ("probability", lambda: noise.mutate(X, [0.1, 0.2])),
    ("probability", lambda: noise.flip(X, -0.1)),
    ("probability", lambda: noise.flip(X, math.nan)),
    ("probability", lambda: noise.flip(X, "half")),
    ("probability", lambda: noise.salt_and_pepper(X, 2)),
    ("probability", lambda: noise.salt_and_pepper(X, None)),
    ("amplitude", lambda: noise.mutate(X, 0.5, amplitude=-0.5)),
    ("amplitude", lambda: noise.mutate(X, 0.5, amplitude=1.1)),
    ("count", lambda: noise.mutate(X, 0.5, count=-1)),
    ("count", lambda: noise.mutate(X, 0.5, count=5)),
    ("count", lambda: noise.mutate(X, 0.5, count=2.0)),
    ("count", lambda: noise.mutate(X, 0.5, count=True)),
    ("sigma", lambda: noise.gaussian(X, -1)),
    ("sigma", lambda: noise.gaussian(X, math.inf)),
    ("sigma", lambda: noise.gaussian(X, math.nan)),
    ("sigma", lambda: noise.gaussian(X, "much")),
    ("x ", lambda: noise.flip(X.astype(complex), 0.1)),
    ("x ", lambda: noise.mutate(X[0], 0.1)),
    ("x ", lambda: noise.gaussian("a", 0.1)),
])
def test_bad_input_is_refused_by_its_name(name, call):
    with pytest.raises((ValueError, TypeError), match=rf"^{name}"):
        call()


def test_whole_numbers_become_float32():
    for kind in (noise.flip, noise.salt_and_pepper, noise.mutate, noise.gaussian):
        np.testing.assert_array_equal(kind(X.astype(int), 0.3, rng=5), kind(X.astype(np.float32), 0.3, rng=5))
        assert kind(X.astype(np.uint8), 0.3, rng=5).dtype == kind(X > 0.5, 0.3, rng=5).dtype == np.float32


@pytest.mark.parametrize("kind", [noise.flip, noise.salt_and_pepper, noise.mutate, noise.gaussian])
@pytest.mark.parametrize("dtype", [">f4", "<f8", ">f8", "<f4"])
def test_the_byte_order_is_kept(kind, dtype):
    x = X.astype(dtype)
    y = kind(x, 0.3, rng=5)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, kind(x.astype(x.dtype.newbyteorder("=")), 0.3, rng=5))


def test_noise_too_large_for_the_pictures_numbers_is_refused_without_a_warning():
    with pytest.raises(ValueError, match=r"^sigma was 1e\+300; it must be small enough for float32"):
        noise.gaussian(X.astype(np.float32), 1e300)
    with pytest.raises(ValueError, match=r"^sigma was 2e\+38"):                  # too large for some of the pixels alone
        noise.gaussian(X.astype(np.float32), 2e38)
    assert np.isfinite(noise.gaussian(X.astype(np.float64), 1e300)).all()
    with pytest.raises(ValueError, match=r"^sigma was inf; it must be a finite number, not negative$"):     # for no pictures at all
        noise.gaussian(X.astype(np.float64), np.inf)


@pytest.mark.parametrize("kind", [noise.flip, noise.salt_and_pepper, noise.mutate, noise.gaussian])
def test_bytes_from_0_to_255_are_refused_with_the_remedy(kind):
    with pytest.raises(ValueError, match="^x was of uint8, with values up to 255; they must be from 0 to 1: divide by 255$"):
        kind((255 * X).astype(np.uint8), 0.1)
