"""Every public function, with arguments that Hypothesis thinks up: good ones work, bad ones are named, no model changes.

Bad arguments are drawn one at a time, next to good ones.  Every run draws the same.
"""

import re

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="hypothesis is not installed")
from hypothesis import HealthCheck, Phase, given, settings, strategies as st  # noqa: E402
from hypothesis.extra import numpy as hnp  # noqa: E402

from autoenc import (SGD, VAE, Adam, Autoencoder, Explorer, Momentum, characters, claim, cosine_decay,  # noqa: E402
                     fashion_mnist, noise, pixel_errors, recorded)
from autoenc.report.claims import check  # noqa: E402
from .gradients import loss_and_gradient  # noqa: E402

# Without shrinking, which takes minutes where arrays are enormous.
SETTINGS = dict(phases=(Phase.explicit, Phase.generate), derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
X = characters("digits")[0]
AE, PAIR = Autoencoder((35, 4, 2), rng=0), Autoencoder((35, 4, 2), members=2, rng=0)
SMALL = VAE(shape=(4, 4, 1), rng=0)
PICTURES, CODES = np.linspace(0, 1, 3 * 16).reshape(3, 4, 4, 1), np.linspace(-2, 2, 6).reshape(3, 2)

# Values that are wrong nearly everywhere

nonsense = st.one_of(st.none(), st.text(max_size=5), st.binary(max_size=3), st.complex_numbers(), st.dates(),
                     st.dictionaries(st.text(max_size=2), st.integers(), max_size=2), st.just(object), st.just(len))
not_finite = st.sampled_from([np.nan, np.inf, -np.inf, np.float32("nan")])


def locked(array):
    array = array.copy()
    array.flags.writeable = False
    return array


# The same numbers laid out in other ways
LAYOUTS = {"C order": np.ascontiguousarray, "Fortran order": np.asfortranarray, "read-only": locked,
           "every second of more": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
           "backwards": lambda array: array[::-1].copy()[::-1], "a view": lambda array: np.broadcast_to(array, array.shape),
           "another byte order": lambda array: array.astype(array.dtype.newbyteorder())}


def beside(low, high, ends=True):
    """What is no number from `low` to `high` (`ends`: both of them allowed)."""
    below = st.floats(max_value=low, exclude_max=True)
    above = st.floats(min_value=high, exclude_min=ends) if high < np.inf else st.just(np.inf)
    return st.one_of(nonsense, st.booleans(), not_finite, below, above, st.integers(max_value=-1), st.lists(st.floats(0, 1)))


def no_count(most=None):
    """What is no whole number from 1 to `most`."""
    strategies = [nonsense, st.booleans(), not_finite, st.integers(max_value=0), st.floats(), st.lists(st.integers(1, 3))]
    return st.one_of(*strategies, *([] if most is None else [st.integers(min_value=most + 1)]))


def no_array(good, low=None, high=None, kinds="biuf", shapes=True, enormous=True):
    """Arrays like `good` with something wrong: a value, the rank, a size, the dtype; or no arrays at all.

    shapes: whether it has to have one of certain shapes; if so an `enormous` array is refused before anybody looks into it.
    """
    good = np.asarray(good)
    one_wrong = [not_finite] + ([] if low is None else [st.floats(max_value=low - 0.001)]) + (
        [] if high is None else [st.floats(min_value=high + 0.001)])

    def spoilt(value, place, layout):
        array = np.array(good, np.float64)
        array.flat[place] = value
        return LAYOUTS[layout](array)

    values = st.builds(spoilt, st.one_of(one_wrong), st.integers(0, good.size - 1), st.sampled_from(sorted(LAYOUTS)))
    width = st.integers(0, 80).filter(lambda n: n != good.shape[-1]).map(lambda n: np.zeros((*good.shape[:-1], n)))
    rank = hnp.array_shapes(min_dims=0, max_dims=6, max_side=3).filter(
        lambda shape: not 2 <= len(shape) <= good.ndim + 1).map(np.zeros)
    kind = st.sampled_from([kind for kind in "cSUOMmVbiu" if kind not in kinds]).map(
        lambda kind: good.astype({"b": bool, "u": "u1", "V": "V4", "M": "M8[s]", "m": "m8[s]"}.get(kind, kind)))
    ragged = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=4), min_size=2).filter(lambda rows: len(set(map(len, rows))) > 1)
    huge = st.sampled_from([(2 ** 40, *good.shape[1:-1], good.shape[-1] + 1), (*good.shape[:-1], 2 ** 40)]).map(
        lambda shape: np.broadcast_to(np.float32(0.5), shape))
    others = [width, rank, *([huge] if enormous else [])] if shapes else []
    return st.one_of(values, *others, kind, ragged, st.just(good[:0]), nonsense, *([] if low is None else [st.just(np.float64(good) * 1e300 + 1e300)]))


no_rng = st.one_of(st.text(max_size=5), st.integers(max_value=-1), st.floats(), st.complex_numbers(), st.just(len), st.just([0.5]))
no_name = st.one_of(nonsense, st.integers(), st.floats(), st.lists(st.text(max_size=3)))
no_dtype = st.one_of(st.none(), st.text(max_size=8).filter(lambda name: name not in ("d", "f")), st.integers(), st.dates(),
                     st.sampled_from(["int32", "float16", "O", "(2,f4", ">f4", bool, complex, [("a", "f4")], np.longdouble]))
no_function = nonsense.filter(lambda value: value is not None and not callable(value)) | st.integers() | st.floats()
no_rate = st.one_of(beside(0, np.inf), st.just([[0.1]])).filter(lambda value: not callable(value))
no_path = st.one_of(st.integers(), st.floats(), st.binary(), st.text(max_size=3).map(lambda text: text + "\0"),
                    st.lists(st.text()), st.booleans())
no_sizes = st.one_of(nonsense, st.integers(), st.lists(st.integers(1, 9), max_size=1), st.just((10 ** 6, 10 ** 6)),
                     st.tuples(st.integers(1, 9), no_count()), st.just((3, 10 ** 30)))
no_texts = st.one_of(nonsense, st.integers(), st.lists(st.text(min_size=1, max_size=3), max_size=4).filter(lambda texts: len(texts) != 3),
                     st.lists(st.integers() | not_finite | st.just(""), min_size=3, max_size=3))
no_place = no_array(np.zeros(2), shapes=False).filter(lambda value: value is not None)
no_shape = st.one_of(nonsense, st.integers(), st.lists(st.integers(1, 9), max_size=2), st.just((4, 4, 10 ** 9)), st.just((4, 4 * 10 ** 9, 1)),
                     st.tuples(st.integers(1, 99).filter(lambda n: n % 4), st.just(4), st.just(1)), st.tuples(st.just(4), st.just(4), no_count()))
no_optimizer = nonsense.filter(lambda value: value is not None) | st.sampled_from([Adam, "adam", 0.1, cosine_decay(0.1)])


def optimized(make):
    """A call that needs the optimiser that `make` makes of its arguments."""
    return lambda **arguments: AE.fit(X, 2, optimizer=make(**arguments))


def decayed(**arguments):
    optimizer = SGD(cosine_decay(**arguments))
    optimizer.step(optimizer.prepare(np.ones(2), np.ones(2)), 0)


def corrupted(corrupt):
    return AE.fit(X, 2, corrupt=corrupt if corrupt is None or callable(corrupt) and corrupt is not len else lambda x, rng: corrupt)


def explorer(**changes):
    return Explorer(**{"networks": AE, "x": X[:3], "labels": ["a", "b", "c"], **changes})


no_x, no_members_x, no_z = no_array(X, 0, 1), no_array(np.stack([X, X]), 0, 1), no_array(CODES)
no_pictures, no_codes = no_array(PICTURES, 0, 1, kinds="f"), no_array(CODES, kinds="f")
no_number, no_picture = beside(0, np.inf), no_array(X, shapes=False)

# What is called: its name, a function, good arguments, and a strategy of bad ones for each of them

CALLS = [
    ("characters", characters, {}, dict(name=no_name)),
    ("pixel_errors", pixel_errors, dict(output=X, target=X), dict(
        output=no_array(X, enormous=False), target=no_array(X, enormous=False))),
    ("noise.mutate", noise.mutate, dict(x=X, probability=0.5), dict(
        x=no_picture, probability=beside(0, 1), amplitude=beside(0, 1), rng=no_rng,
        count=no_count(10).filter(lambda value: value is not None and (value is False or value != 0)))),
    ("noise.flip", noise.flip, dict(x=X, probability=0.5), dict(x=no_picture, probability=beside(0, 1), rng=no_rng)),
    ("noise.gaussian", noise.gaussian, dict(x=X, sigma=0.5), dict(x=no_picture, sigma=beside(0, np.inf), rng=no_rng)),
    ("noise.salt_and_pepper", noise.salt_and_pepper, dict(x=X, probability=0.5),
     dict(x=no_picture, probability=beside(0, 1), rng=no_rng)),
    ("Autoencoder", Autoencoder, dict(sizes=(5, 2)), dict(
        sizes=no_sizes, hidden=no_name, latent=no_name, output=no_name, rng=no_rng, dtype=no_dtype,
        members=no_count(10 ** 7).filter(lambda value: value is not None))),
    ("fit", AE.fit, dict(x=X, epochs=2), dict(
        x=no_x, epochs=no_count(), loss=no_name, optimizer=no_optimizer, rng=no_rng,
        batch_size=no_count(10).filter(lambda value: value is not None))),
    ("fit of members", PAIR.fit, dict(x=X, epochs=2), dict(x=no_members_x)),
    ("fit with corrupt", corrupted, {}, dict(corrupt=no_array(X).filter(lambda value: value is not None))),
    ("encode", AE.encode, {}, dict(x=no_array(X))), ("decode", AE.decode, {}, dict(z=no_z)),
    ("encode of members", PAIR.encode, {}, dict(x=no_array(np.stack([X, X])))),
    ("reconstruct", AE.reconstruct, {}, dict(x=no_array(X))),
    ("member", PAIR.member, {}, dict(k=no_count(1).filter(lambda value: value is False or value != 0))),
    ("save", AE.save, {}, dict(path=no_path)), ("load", Autoencoder.load, {}, dict(path=no_path)),
    ("SGD", optimized(SGD), {}, dict(learning_rate=no_rate)),
    ("Momentum", optimized(Momentum), {}, dict(learning_rate=no_rate, momentum=beside(0, 1, False))),
    ("Adam", optimized(Adam), {}, dict(learning_rate=no_rate, beta1=beside(0, 1, False), beta2=beside(0, 1, False),
                                       epsilon=beside(0, 1, False))),
    ("cosine_decay", decayed, dict(rate=0.1),
     dict(rate=no_rate.filter(lambda value: not value or not isinstance(value, list)),
          final=st.one_of(nonsense, st.booleans(), not_finite))),
    ("VAE", VAE, dict(shape=(4, 4, 1)), dict(latent=no_count(10 ** 9), beta=beside(0, np.inf), rng=no_rng, shape=no_shape,
                                             dtype=no_dtype, dense=no_name)),
    ("VAE.fit", SMALL.fit, dict(x=PICTURES, epochs=1, batch_size=2), dict(
        x=no_pictures, epochs=no_count(), batch_size=no_count().filter(lambda value: value is not None), optimizer=no_optimizer,
        warmup=beside(0, np.inf), workers=no_count(256), rng=no_rng, validation=no_pictures.filter(lambda value: value is not None), after_epoch=no_function)),
    ("VAE.evaluate", SMALL.evaluate, dict(x=PICTURES), dict(x=no_pictures, rng=no_rng)),
    ("VAE.encode", SMALL.encode, {}, dict(x=no_pictures)), ("VAE.decode", SMALL.decode, {}, dict(z=no_z)),
    ("VAE.sample", SMALL.sample, dict(n=2), dict(n=no_count(10 ** 6), rng=no_rng)),
    ("VAE.loss_and_gradient", SMALL.loss_and_gradient, dict(x=PICTURES, epsilon=CODES),
     dict(x=no_pictures, epsilon=no_codes)),
    ("VAE.save", SMALL.save, {}, dict(path=no_path)), ("VAE.load", VAE.load, {}, dict(path=no_path)),
    ("fashion_mnist", fashion_mnist, {}, dict(folder=no_path)),
    ("Explorer", explorer, {}, dict(networks=nonsense.filter(lambda value: value != {}) | st.just(PAIR), x=no_array(X[:3], 0, 1),
                                    labels=no_texts, start=no_place,
                                    alt=nonsense.filter(lambda value: value is not None and (not value or not isinstance(value, str))))),
    ("claim", claim, dict(text="it is so", measured=1, at_least=1), dict(
        text=nonsense.filter(lambda value: not isinstance(value, str)), measured=nonsense, unit=nonsense.filter(lambda value: not isinstance(value, str)), at_least=not_finite | st.text(max_size=3),
        at_most=nonsense.filter(lambda value: value is not None))),
    ("recorded", recorded, dict(name="study", study=lambda: {}), dict(
        name=nonsense.filter(lambda value: not isinstance(value, str) or not value.isidentifier()) | st.just("../a"),
        study=no_function.filter(lambda value: value is not None) | st.just(len),
        cases=nonsense.filter(lambda value: value is not None) | st.lists(nonsense, min_size=1, max_size=2))),
]


BAD = [pytest.param(function, good, name, bad, id=f"{title}-{name}") for title, function, good, strategies in CALLS
       for name, bad in strategies.items()]


@pytest.mark.parametrize("function, good, name, bad", BAD)
def test_a_bad_argument_is_refused_by_its_name_and_changes_nothing(function, good, name, bad):
    tried = []

    @settings(max_examples=18, **SETTINGS)
    @given(bad)
    def refused(value):
        before = [model.parameters.tobytes() for model in (AE, PAIR, SMALL)]
        tried.append(value)
        with pytest.raises((ValueError, TypeError)) as error:
            function(**{**good, name: value})
        assert re.search(rf"\b{name}\b", str(error.value)), str(error.value)
        assert [model.parameters.tobytes() for model in (AE, PAIR, SMALL)] == before

    refused()
    assert len(tried) * len(BAD) >= 1000


# Good arguments

def layouts(array):
    """The same numbers in any layout, or as a list."""
    array = np.asarray(array)
    return st.sampled_from([*(lay(array) for lay in LAYOUTS.values()), array.tolist()])


def pictures(shape, dtype=np.float32):
    return hnp.arrays(dtype, shape, elements=st.floats(0, 1, width=32))


@settings(max_examples=60, **SETTINGS)
@given(st.data(), st.sampled_from([AE, PAIR]), st.integers(1, 5), st.sampled_from([bool, "i1", "u8", "f2", "f4", "f8", "g"]))
def test_an_autoencoder_takes_any_numbers_in_any_layout(data, model, rows, dtype):
    x = data.draw(pictures((rows, 35))).round(2 if np.dtype(dtype).kind == "f" else 0).astype(dtype)
    given_x, front, before = data.draw(layouts(x)), () if model is AE else (2,), model.parameters.copy()
    z, y = model.encode(given_x), model.reconstruct(given_x)
    assert z.shape == (*front, rows, 2) and y.shape == (*front, rows, 35) and z.dtype == y.dtype == np.float32
    assert y.min() >= 0 and y.max() <= 1
    np.testing.assert_array_equal(z, model.encode(x.astype(np.float32)))
    np.testing.assert_array_equal(model.decode(data.draw(layouts(z))), y)
    loss, gradient = loss_and_gradient(model, given_x)
    assert loss.shape == front and gradient.shape == model.parameters.shape and (loss >= 0).all()
    np.testing.assert_array_equal(gradient, loss_and_gradient(model, x.astype(np.float32))[1])
    wrong = pixel_errors(y, given_x)
    assert wrong.shape == (*front, rows) and wrong.dtype.kind == "i" and wrong.min() >= 0 and wrong.max() <= 35
    assert (pixel_errors(given_x, given_x) == 0).all() and (model.parameters == before).all()


@settings(max_examples=40, **SETTINGS)
@given(st.data(), st.integers(1, 6), st.sampled_from(["mse", "bce"]), st.sampled_from([SGD, Momentum, Adam]),
       st.floats(0, 0.01), st.integers(0, 2 ** 64), st.sampled_from([np.float32, np.float64]))
def test_fit_gives_the_same_whatever_the_layout(data, rows, loss, optimizer, rate, seed, dtype):
    x = data.draw(pictures((rows, 35), dtype))
    batch_size = data.draw(st.none() | st.integers(1, rows))
    runs = []
    for pixels in x, data.draw(layouts(x)):
        model = Autoencoder((35, 4, 2), rng=seed, dtype=dtype)
        history = model.fit(pixels, 3, loss=loss, optimizer=optimizer(cosine_decay(rate)), batch_size=batch_size, rng=seed,
                            corrupt=lambda x, rng: noise.flip(x, 0.1, rng=rng))
        assert history.loss.shape == (3,) and history.loss.dtype == dtype and (history.loss >= 0).all()
        runs.append((model.parameters, history.loss))
    for one, other in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=60, **SETTINGS)
@given(st.data(), hnp.array_shapes(min_dims=2, max_dims=4, max_side=6), st.sampled_from([np.float16, np.float32, np.float64]),
       st.floats(0, 1), st.integers(0, 2 ** 64))
def test_noise_keeps_shape_dtype_and_the_pictures(data, shape, dtype, level, seed):
    x = data.draw(hnp.arrays(dtype, shape, elements=st.floats(0, 1, width=16)))
    given_x, before = data.draw(layouts(x).filter(lambda array: not isinstance(array, list))), x.copy()
    for spoil in noise.mutate, noise.flip, noise.gaussian, noise.salt_and_pepper:
        y = spoil(given_x, level, rng=seed)
        assert y.shape == shape and y.dtype.newbyteorder("=") == dtype and np.isfinite(y).all()
        np.testing.assert_array_equal(y, spoil(x, level, rng=seed))
        if spoil in (noise.flip, noise.salt_and_pepper):
            assert y.min() >= 0 and y.max() <= 1
        if level == 0:
            np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(x, before)


@settings(max_examples=20, **SETTINGS)
@given(st.data(), st.integers(1, 20), st.sampled_from(["f4", "f8", "f2"]), st.integers(0, 2 ** 32))
def test_a_vae_takes_floats_in_any_layout(data, rows, dtype, seed):
    x = data.draw(pictures((rows, 4, 4, 1))).astype(dtype)
    given_x, plain, before = data.draw(layouts(x)), x.astype(np.float32), SMALL.parameters.copy()
    mean, log_var = SMALL.encode(given_x)
    assert mean.shape == log_var.shape == (rows, 2) and mean.dtype == log_var.dtype == np.float32
    np.testing.assert_array_equal(mean, SMALL.encode(plain)[0])
    y = SMALL.decode(data.draw(layouts(mean)))
    assert y.shape == (rows, 4, 4, 1) and y.dtype == np.float32 and y.min() >= 0 and y.max() <= 1
    assert SMALL.evaluate(given_x, rng=seed) == SMALL.evaluate(plain, rng=seed)
    epsilon = np.random.default_rng(seed).standard_normal((rows, 2))
    losses, gradient = SMALL.loss_and_gradient(given_x, data.draw(layouts(epsilon)))
    assert gradient.shape == SMALL.parameters.shape and np.isfinite(list(losses.values())).all()
    assert SMALL.sample(rows, rng=seed).shape == y.shape and (SMALL.parameters == before).all()
    runs = [VAE(shape=(4, 4, 1), rng=0) for _ in range(2)]
    curves = [vae.fit(pixels, 1, batch_size=rows, rng=seed).total_loss for vae, pixels in zip(runs, (given_x, plain), strict=True)]
    np.testing.assert_array_equal(*(vae.parameters for vae in runs))
    assert curves[0] == curves[1] and np.isfinite(curves).all()


@settings(max_examples=40, **SETTINGS)
@given(st.lists(st.integers(1, 12), min_size=2, max_size=4).filter(lambda sizes: sizes != sizes[::-1] or len(set(sizes)) == 1),
       st.none() | st.integers(1, 4), st.data(), st.integers(0, 2 ** 64))
def test_any_network_is_saved_and_comes_back(tmp_path_factory, sizes, members, data, seed):
    kinds = {name: data.draw(st.sampled_from(["linear", "tanh", "sigmoid", "relu", "softmax"])) for name in ("hidden", "latent", "output")}
    path = tmp_path_factory.getbasetemp() / "model"
    model = Autoencoder(sizes, members=members, rng=seed, dtype=data.draw(st.sampled_from(["float32", "float64"])), **kinds)
    model.save(path)
    again = Autoencoder.load(path)
    assert repr(again) == repr(model) and again.parameters.tobytes() == model.parameters.tobytes()
    if members:
        k = data.draw(st.integers(0, members - 1))
        np.testing.assert_array_equal(model.member(k).parameters, model.parameters[k])


@settings(max_examples=40, **SETTINGS)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=3, max_size=3), st.text(min_size=1))
def test_any_labels_make_an_explorer(labels, alt):
    box = explorer(labels=labels, alt=alt)
    assert box.data()["labels"] == labels and box.html() == box.html()


@settings(max_examples=100, **SETTINGS)
@given(nonsense | st.lists(nonsense) | st.tuples(nonsense, nonsense) | hnp.arrays(st.sampled_from(["f4", "?", "i8", "U2", "O"]), hnp.array_shapes()),
       st.sampled_from([3, X, (X, 1.5)]))
def test_a_check_never_fails_whatever_the_answer(answer, true):
    assert check("an exercise", answer, true) in (False, None)


def test_a_check_knows_the_right_answer():
    assert all(check("an exercise", true, true) for true in (3, X, (X, 1.5)))
