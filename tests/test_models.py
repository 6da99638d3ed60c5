"""Autoencoders: their shapes, their members, what a training does, and files that are read back bit by bit."""

import errno
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from autoenc import SGD, Adam, Autoencoder, Momentum, characters, cosine_decay, noise, pixel_errors
from autoenc.layers import Dense, with_ones
from autoenc.losses import LOSSES
from autoenc.models import TrainableChain

from .gradients import check_gradient, loss_and_gradient

X = characters("lowercase")[0]
SIZES = (35, 8, 2)


def tilted(sizes=(6, 5, 2), members=None, **kinds):
    """A float64 model with biases away from zero."""
    ae = Autoencoder(sizes, members=members, rng=2, dtype=np.float64, **kinds)
    ae.parameters += np.random.default_rng(9).uniform(0.1, 0.5, ae.parameters.shape)
    return ae


@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_shapes_and_dtype(members, dtype):
    ae = Autoencoder(SIZES, members=members, rng=0, dtype=dtype)
    front = () if members is None else (members,)
    z, y = ae.encode(X), ae.reconstruct(X)
    assert z.shape == (*front, 32, 2) and y.shape == (*front, 32, 35)
    assert ae.decode(z).shape == y.shape
    assert ae.decode(np.zeros((7, 2))).shape == (*front, 7, 35)
    assert ae.fit(X, 4).loss.shape == (4, *front)
    assert {array.dtype for array in (z, y, ae.decode(z), ae.parameters, ae.fit(X, 2).loss)} == {np.dtype(dtype)}


def test_reconstruct_is_decode_of_encode():
    ae = tilted(SIZES, members=2)
    np.testing.assert_array_equal(ae.reconstruct(X), ae.decode(ae.encode(X)))


def test_a_network_is_the_chain_of_its_layers():
    """relu outside, tanh for the code, sigmoid for the picture: each where it belongs, read off the flat vector."""
    ae, rest = tilted((6, 5, 2), hidden="relu", latent="tanh", output="sigmoid"), 0
    x = y = np.random.default_rng(1).random((7, 6))
    for shape, activation in (((6, 5), lambda z: np.maximum(z, 0)), ((5, 2), np.tanh),
                              ((2, 5), lambda z: np.maximum(z, 0)), ((5, 6), lambda z: 1 / (1 + np.exp(-z)))):
        end = rest + (shape[0] + 1) * shape[1]
        *weights, bias = ae.parameters[rest:end].reshape(-1, shape[1])
        y, rest = activation(y @ weights + bias), end
        if shape[1] == 2:
            np.testing.assert_allclose(ae.encode(x), y, rtol=1e-12)
    assert rest == ae.parameters.size
    np.testing.assert_allclose(ae.reconstruct(x), y, rtol=1e-12)


def test_members_can_be_given_pictures_and_codes_of_their_own():
    ae, x = Autoencoder(SIZES, members=3, rng=0), np.stack([X, 1 - X, X / 2])
    codes = ae.encode(x)
    for k in range(3):
        np.testing.assert_allclose(codes[k], ae.member(k).encode(x[k]), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(ae.decode(codes)[k], ae.member(k).decode(codes[k]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss, kinds", [
    ("bce", dict(hidden="tanh", latent="linear")),
    ("bce", dict(hidden="softmax", latent="sigmoid")),
    ("mse", dict(hidden="relu", latent="tanh", output="sigmoid")),
    ("mse", dict(hidden="sigmoid", latent="softmax", output="tanh")),
    ("mse", dict(hidden="linear", latent="relu", output="linear")),
    ("mse", dict(hidden="tanh", latent="linear", output="softmax")),
], ids=lambda value: value if isinstance(value, str) else "-".join(value.values()))
@pytest.mark.parametrize("members", [None, 2])
def test_gradient_of_the_whole_model_is_the_slope(loss, kinds, members):
    ae, x = tilted(members=members, **kinds), np.random.default_rng(1).random((7, 6))
    value, gradient = loss_and_gradient(ae, x, loss)
    assert np.shape(value) == (() if members is None else (members,))
    check_gradient(lambda: loss_and_gradient(ae, x, loss)[0].sum(), ae.parameters, gradient)


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_a_saturated_network_has_a_loss_and_a_gradient_without_a_warning(loss):
    model = Autoencoder((6, 3, 2), latent="sigmoid", rng=0)
    model.parameters *= 1e4
    value, gradient = loss_and_gradient(model, np.eye(6, dtype=np.float32), loss)
    assert np.isfinite(value) and np.isfinite(gradient).all()


def test_the_encoder_s_gradient_is_checked_too():
    """A decoder that passes nothing back is noticed by the same check."""
    ae, x = tilted(), np.random.default_rng(1).random((7, 6))
    _, gradient = loss_and_gradient(ae, x)
    gradient[:6 * 5] = 0
    with pytest.raises(AssertionError, match="relative error"):
        check_gradient(lambda: loss_and_gradient(ae, x)[0], ae.parameters, gradient)


def test_one_network_is_member_0_of_any_number():
    alone, five, nine = (Autoencoder(SIZES, members=members, rng=7) for members in (None, 5, 9))
    np.testing.assert_array_equal(five.parameters[0], alone.parameters)
    np.testing.assert_array_equal(nine.parameters[:5], five.parameters)
    assert len(np.unique(five.parameters[:, 0])) == 5, "members start differently"
    assert (Autoencoder(SIZES, rng=8).parameters != alone.parameters).any()


TRAININGS = {
    "full batch": dict(optimizer=Adam(cosine_decay(0.01))),
    "mini-batches": dict(optimizer=Adam(0.01), batch_size=5, rng=4),
    "one after the other": dict(optimizer=SGD(0.05), batch_size=1, rng=4),
    "squared error": dict(optimizer=Momentum(0.005), loss="mse"),
}


@pytest.mark.parametrize("settings", TRAININGS.values(), ids=TRAININGS)
@pytest.mark.parametrize("dtype, tolerance", [(np.float64, 1e-9), (np.float32, 2e-3)], ids=["float64", "float32"])
def test_training_eight_together_is_training_each_alone(settings, dtype, tolerance):
    together = Autoencoder(SIZES, members=8, rng=1, dtype=dtype)
    alone = [together.member(k) for k in range(8)]
    start = together.parameters.copy()
    loss = together.fit(X, 12, **settings).loss
    assert np.abs(together.parameters - start).max() > 0.01
    for k, one in enumerate(alone):
        np.testing.assert_allclose(loss[:, k], one.fit(X, 12, **settings).loss, rtol=tolerance)
        np.testing.assert_allclose(together.parameters[k], one.parameters, rtol=0, atol=tolerance)


@pytest.mark.parametrize("batch_size", [None, 7])
def test_each_member_can_have_its_learning_rate(batch_size):
    rates = np.array([0.0, 0.001, 0.01])
    together = Autoencoder(SIZES, members=3, rng=1, dtype=np.float64)
    alone = [together.member(k) for k in range(3)]
    together.fit(X, 10, optimizer=Adam(cosine_decay(rates)), batch_size=batch_size, rng=3)
    for k, one in enumerate(alone):
        one.fit(X, 10, optimizer=Adam(cosine_decay(rates[k])), batch_size=batch_size, rng=3)
        np.testing.assert_allclose(together.parameters[k], one.parameters, rtol=0, atol=1e-9)


def test_members_can_learn_pictures_of_their_own():
    x = np.stack([X, 1 - X])
    together = Autoencoder(SIZES, members=2, rng=1, dtype=np.float64)
    alone = [together.member(k) for k in range(2)]
    together.fit(x, 10, batch_size=6, rng=0)
    for k, one in enumerate(alone):
        one.fit(x[k], 10, batch_size=6, rng=0)
        np.testing.assert_allclose(together.parameters[k], one.parameters, rtol=0, atol=1e-9)


def test_training_learns():
    history = Autoencoder((35, 30, 2), rng=7).fit(X, 400, optimizer=Adam(cosine_decay(0.01)))
    assert history.loss[-1] < 0.5 * history.loss[0]


def test_fit_continues_with_fresh_optimiser_state():
    once, twice = (Autoencoder(SIZES, rng=1) for _ in range(2))
    long = once.fit(X, 10, optimizer=SGD(0.1)).loss
    short = [twice.fit(X, 5, optimizer=SGD(0.1)).loss for _ in range(2)]
    np.testing.assert_array_equal(once.parameters, twice.parameters)
    np.testing.assert_array_equal(long, np.concatenate(short))
    third = Autoencoder.member(Autoencoder(SIZES, members=1, rng=1), 0)
    third.fit(X, 5, optimizer=Momentum(0.1))
    restarted = third.parameters.copy()
    third.fit(X, 1, optimizer=Momentum(0.1))
    first_step = third.parameters - restarted
    third.parameters[...] = restarted
    third.fit(X, 1, optimizer=SGD(0.1))
    np.testing.assert_allclose(first_step, third.parameters - restarted, rtol=0, atol=1e-7)


@pytest.mark.parametrize("loss", ["mse", "bce"])
def test_the_first_loss_is_that_before_the_first_update(loss):
    ae = Autoencoder(SIZES, members=2, rng=1, dtype=np.float64)
    before, _ = loss_and_gradient(ae, X, loss)
    history = ae.fit(X, 3, loss=loss)
    np.testing.assert_allclose(history.loss[0], before, rtol=1e-12)
    again = Autoencoder(SIZES, members=2, rng=1, dtype=np.float64)
    again.fit(X, 2, loss=loss)
    np.testing.assert_allclose(history.loss[2], loss_and_gradient(again, X, loss)[0], rtol=1e-12)


def test_with_batches_the_loss_is_their_mean():
    """With a rate of zero and equal batches that is the loss of all pictures; with a smaller last one it is not."""
    ae = Autoencoder(SIZES, rng=1, dtype=np.float64)
    whole, _ = loss_and_gradient(ae, X)
    np.testing.assert_allclose(ae.fit(X, 3, optimizer=SGD(0.0), batch_size=8, rng=0).loss, whole, rtol=1e-12)
    batches = []

    def watch(x, rng):
        batches.append(loss_and_gradient(ae, x)[0])
        return x

    loss = ae.fit(X, 1, optimizer=SGD(0.0), batch_size=20, rng=0, corrupt=watch).loss
    assert len(batches) == 2 and batches[0] != batches[1]
    np.testing.assert_allclose(loss, np.mean(batches), rtol=1e-12)


def test_every_picture_is_in_one_batch_of_an_epoch_and_the_order_changes():
    seen = []

    def watch(x, rng):
        seen.append(x.copy())
        return x

    Autoencoder(SIZES, rng=1).fit(X, 2, batch_size=12, rng=0, corrupt=watch)
    assert [len(batch) for batch in seen] == [12, 12, 8] * 2
    epochs = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    for epoch in epochs:
        np.testing.assert_array_equal(np.unique(epoch, axis=0), np.unique(X, axis=0))
    assert (epochs[0] != epochs[1]).any()


@pytest.mark.parametrize("members", [None, 3])
def test_corrupt_gets_the_clean_batch_of_every_member(members):
    seen, generators = [], set()

    def watch(x, rng):
        seen.append(x.copy())
        generators.add(type(rng))
        x[...] = 0.5
        return x

    Autoencoder(SIZES, members=members, rng=1).fit(X, 3, corrupt=watch)
    assert len(seen) == 3 and generators == {np.random.Generator}
    for x in seen:
        assert x.dtype == np.float32 and x.shape == ((32, 35) if members is None else (members, 32, 35))
        np.testing.assert_array_equal(x, np.broadcast_to(X, x.shape))


def test_the_target_stays_clean():
    ae = Autoencoder(SIZES, members=2, rng=1, dtype=np.float64)
    output = ae.reconstruct(np.full_like(X, 0.25))
    expected = ((output - X) ** 2).sum(-1).mean(-1)
    loss = ae.fit(X, 1, loss="mse", corrupt=lambda x, rng: np.full_like(x, 0.25)).loss
    np.testing.assert_allclose(loss[0], expected, rtol=1e-12)


@pytest.mark.parametrize("members", [None, 3])
def test_a_generator_that_cannot_spawn_others_is_named(members):
    with pytest.raises(ValueError, match="^rng was .*; it must be a seed or"):
        Autoencoder((6, 3, 2), members=members, rng=np.random.Generator(np.random.RandomState(3)._bit_generator))


def test_members_are_corrupted_independently_and_by_the_seed():
    def trained(seed):
        ae = Autoencoder(SIZES, members=2, rng=1)
        ae.parameters[1] = ae.parameters[0]
        ae.fit(X, 5, corrupt=lambda x, rng: noise.flip(x, 0.2, rng=rng), batch_size=16, rng=seed)
        return ae.parameters

    assert (trained(0)[0] != trained(0)[1]).any()
    np.testing.assert_array_equal(trained(0), trained(0))
    assert (trained(0) != trained(1)).any()


def test_pictures_are_left_alone_and_so_is_numpy_s_global_generator():
    x, before = X.copy(), np.random.get_state()  # noqa: NPY002
    Autoencoder(SIZES, members=2).fit(x, 2, batch_size=8, corrupt=lambda x, rng: noise.mutate(x, 0.5, rng=rng))
    noise.flip(x, 0.5), noise.gaussian(x, 0.5), noise.salt_and_pepper(x, 0.5)
    np.testing.assert_array_equal(x, X)
    after = np.random.get_state()  # noqa: NPY002
    assert before[2:] == after[2:] and (before[1] == after[1]).all()


def test_a_member_shares_nothing_with_the_others():
    ae = Autoencoder(SIZES, members=3, rng=0)
    one, before = ae.member(1), ae.parameters.copy()
    assert one.members is None and one.sizes == ae.sizes
    np.testing.assert_allclose(one.reconstruct(X), ae.reconstruct(X)[1], rtol=1e-5, atol=1e-6)
    one.fit(X, 3)
    np.testing.assert_array_equal(ae.parameters, before)


@pytest.mark.parametrize("k", [3, -1, True, 1.0, None])
def test_a_member_that_is_not_there_is_refused(k):
    with pytest.raises((TypeError, ValueError), match="^k "):
        Autoencoder(SIZES, members=3).member(k)


def test_one_network_has_no_members():
    with pytest.raises(ValueError, match="members"):
        Autoencoder(SIZES).member(0)


def test_a_repr_is_the_call_that_makes_such_a_model():
    ae = Autoencoder((5, 3, 2), "relu", "tanh", "softmax", members=2, dtype=np.float64)
    assert eval(repr(ae)).settings == ae.settings


# Files

@pytest.fixture
def saved(tmp_path):
    """A model and the file it was saved in."""
    ae, path = Autoencoder((5, 3, 2), hidden="relu", latent="tanh", rng=0), tmp_path / "model.npz"
    ae.save(path)
    return ae, path


def assert_refused(path):
    with pytest.raises(ValueError, match="is not a saved Autoencoder") as error:
        Autoencoder.load(path)
    assert str(path) in str(error.value)


def saved_parts(path):
    with np.load(path) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", ["model.npz", "model", "model.of.today"])
@pytest.mark.parametrize("members, dtype", [(None, np.float32), (3, np.float32), (2, np.float64)])
def test_what_is_loaded_is_what_was_saved(tmp_path, name, members, dtype):
    ae = Autoencoder((35, 7, 4, 3), hidden="relu", latent="tanh", output="sigmoid", members=members, rng=0, dtype=dtype)
    ae.fit(X, 2)
    ae.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    again = Autoencoder.load(str(tmp_path / name))
    assert repr(again) == repr(ae) and again.parameters.dtype == dtype
    assert again.parameters.tobytes() == ae.parameters.tobytes()
    assert again.reconstruct(X).tobytes() == ae.reconstruct(X).tobytes()


def test_saving_replaces_the_old_file(saved):
    ae, path = saved
    ae.parameters += 1
    ae.save(path)
    np.testing.assert_array_equal(Autoencoder.load(path).parameters, ae.parameters)


def test_what_could_not_be_loaded_is_not_saved(saved):
    model, path = saved
    before, model.parameters[0] = path.read_bytes(), np.nan
    with pytest.raises(ValueError, match="^parameters has values from nan to nan; all must be finite"):
        model.save(path)
    with pytest.raises(TypeError, match=r"^parameters was dtype\('int64'\)"):
        model.parameters = np.zeros_like(model.parameters, int)
    assert path.read_bytes() == before


def test_a_member_that_is_not_finite_can_be_taken_out_and_looked_at():
    networks = Autoencoder((35, 2), members=2, rng=0)
    networks.parameters[1, 3] = np.nan
    assert np.isnan(networks.member(1).parameters[3])


def test_parameters_of_another_network_are_refused_by_what_they_are():
    with pytest.raises(ValueError, match=r"^rng was \(dtype\('float64'\), \(3,\)\); "
                                         r"it must be \(dtype\('float32'\), \(177,\)\)$"):
        Autoencoder((35, 2), rng=np.zeros(3))


def test_a_saved_model_holds_no_pickle(saved):
    assert all(array.dtype.kind in "Uf" for array in saved_parts(saved[1]).values())


def test_a_failed_save_names_its_file_and_leaves_the_old_one_and_nothing_else(saved, monkeypatch):
    ae, path = saved
    before = path.read_bytes()

    def half(self, data):
        with open(self, "wb") as file:
            file.write(data[:len(data) // 2])
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(Path, "write_bytes", half)
    for target in path, path.with_name("new"):
        with pytest.raises(OSError, match="disk full") as error:
            ae.save(target)
        assert error.value.filename == str(target)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_file_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(FileNotFoundError):
        Autoencoder.load(tmp_path / "nothing")


@pytest.mark.parametrize("content", [b"", b"PK", b"a letter home\n" * 100, b"\x93NUMPY\x01\x00"])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert_refused(tmp_path / "file")


def test_an_array_file_is_refused(tmp_path):
    np.save(tmp_path / "array.npy", np.ones(3))
    assert_refused(tmp_path / "array.npy")


def test_a_truncated_file_is_refused_wherever_it_ends(saved):
    whole = saved[1].read_bytes()
    for length in range(0, len(whole), 13):
        saved[1].write_bytes(whole[:length])
        assert_refused(saved[1])


def test_a_damaged_file_is_refused_or_harmless(saved):
    """No byte that is wrong makes anything but a ValueError, or a model other than the one saved."""
    ae, path = saved
    whole, refused = path.read_bytes(), 0
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1:])
        try:
            again = Autoencoder.load(path)
        except ValueError:
            refused += 1
        else:
            assert repr(again) == repr(ae) and (again.parameters == ae.parameters).all()
    assert refused > len(whole) / 2


def changed_settings(**changes):
    def change(parts):
        settings = {**json.loads(str(parts["settings"])), **changes}
        return {**parts, "settings": np.array(json.dumps(settings))}
    return change


@pytest.mark.parametrize("change", [
    lambda parts: {"parameters": parts["parameters"]},
    lambda parts: {"settings": parts["settings"]},
    lambda parts: {"weights": parts["parameters"], "settings": parts["settings"]},
    lambda parts: {**parts, "settings": np.array("not JSON")},
    lambda parts: {**parts, "settings": np.array("[1, 2]")},
    changed_settings(model="VAE"),
    changed_settings(sizes=[5, 3, 3]),
    changed_settings(sizes=[5, 2, 2, 2]),
    changed_settings(sizes=[5, -3, 2]),
    changed_settings(sizes="5-3-2"),
    changed_settings(members=2),
    changed_settings(members=0),
    changed_settings(dtype="float64"),
    changed_settings(hidden="magic"),
    changed_settings(hidden=["relu"]),
])
def test_a_file_with_other_contents_is_refused(saved, change):
    parts = change(saved_parts(saved[1]))
    with open(saved[1], "wb") as file:
        np.savez(file, **parts)
    assert_refused(saved[1])


def test_nobody_asks_the_first_layer_of_a_chain_for_dx():
    layers = [Dense(35, 4, "tanh"), Dense(4, 35, ones=False)]
    params = np.ones(sum(np.prod(layer.shape) for layer in layers), np.float32)
    wide, x = with_ones(X)
    chain = TrainableChain(layers, params, wide, LOSSES["mse"], x, np.zeros_like(params))
    chain.loss_and_gradient()
    (_, first), (_, second) = chain.links
    assert first.dx is None and second.dx is first.dy and chain.grads.any()


def test_parameters_that_are_assigned_are_copied_and_checked(tmp_path):
    ae = Autoencoder((35, 2), rng=0)
    parameters, other = ae.parameters, ae.parameters.astype(float) + 1
    ae.parameters = other
    assert ae.parameters is parameters and ae.parameters.dtype == np.float32
    np.testing.assert_allclose(parameters, other, rtol=1e-6)
    ae.save(tmp_path / "ae")
    np.testing.assert_array_equal(Autoencoder.load(tmp_path / "ae").parameters, parameters)
    for wrong in parameters[1:], parameters * np.nan, np.full(parameters.shape, 1e300), "zeros":
        with pytest.raises((TypeError, ValueError), match="^parameters "):
            ae.parameters = wrong
    np.testing.assert_allclose(ae.parameters, other, rtol=1e-6)


@pytest.mark.parametrize("call", ["encode", "decode", "reconstruct"])
def test_parameters_that_are_no_numbers_are_named_not_the_pictures(call):
    ae = Autoencoder((35, 2), rng=0)
    ae.parameters[3] = np.nan
    ae.parameters[-1] = np.nan
    with pytest.raises(ValueError, match="^parameters has values that are not finite"):
        getattr(ae, call)(np.zeros((2, 2 if call == "decode" else 35)))


@pytest.mark.parametrize("sizes, half", [((35, 20, 2, 20, 35), "(35, 20, 2)"), ((35, 2, 35), "(35, 2)"),
                                         ((35, 20, 20, 35), "(35, 20, 20)")])
def test_sizes_of_both_halves_are_refused_and_those_of_one_named(sizes, half):
    with pytest.raises(ValueError, match=f"^sizes was {re.escape(str(sizes))}; .* as {re.escape(half)}"):
        Autoencoder(sizes)


def test_masked_arrays_are_refused_and_other_subclasses_become_plain_arrays(tmp_path):
    ae = Autoencoder((35, 2), rng=0)
    masked = np.ma.masked_array(X, X > 2)
    np.testing.assert_array_equal(ae.encode(masked), ae.encode(X))          # nothing is masked
    masked[3, 3] = np.ma.masked
    for call in ae.encode, lambda x: ae.fit(x, 1), lambda x: pixel_errors(x, X), lambda x: noise.flip(x, 0.1):
        with pytest.raises(ValueError, match="was a masked array; it must be plain numbers"):
            call(masked)
    with pytest.raises(ValueError, match="^rng was a masked array"):
        Autoencoder((35, 2), rng=np.ma.masked_array(ae.parameters, ae.parameters > 0))

    class Other(np.ndarray):
        pass

    copied = Autoencoder((35, 2), rng=ae.parameters.view(Other))
    assert type(copied.parameters) is np.ndarray
    np.testing.assert_array_equal(copied.parameters, ae.parameters)


@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_pictures_of_bytes_are_refused_with_what_to_do(loss):
    pictures = (255 * X).astype(np.uint8)
    with pytest.raises(ValueError, match="^x was of uint8, with values up to 255; .* divide by 255"):
        Autoencoder((35, 2), rng=0).fit(pictures, 1, loss)
    for call in (Autoencoder((35, 2)).encode, Autoencoder((35, 2)).reconstruct):
        with pytest.raises(ValueError, match="^x was of uint8, with values up to 255; .* divide by 255"):
            call(pictures)
    assert Autoencoder((35, 2), rng=0).fit(X.astype(np.uint8), 1, loss).loss.shape == (1,)      # bits are fine
