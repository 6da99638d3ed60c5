"""The VAE: gradients, distributions, workers, files, and what it refuses."""

import json
import signal
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from autoenc import SGD, VAE, Adam
from autoenc.models import views
from autoenc.training import History

from .gradients import check_gradient

NAMES = ["reconstruction_loss", "kl_loss", "total_loss"]


def small(**settings):
    """A VAE on 8×8 pictures, in float64, with no bias at zero (a ReLU's kink), and pictures for it."""
    vae = VAE(**{"latent": 2, "shape": (8, 8, 1), "dtype": "float64", "rng": 3, **settings})
    vae.parameters += np.random.default_rng(4).normal(0, 0.05, vae.parameters.shape)
    return vae


def pictures(n, shape=(8, 8, 1), dtype="float64", seed=5):
    return np.random.default_rng(seed).random((n, *shape)).astype(dtype)


def check(vae, x, epsilon):
    """Check the gradient at about ten parameters of every layer, its last bias among them."""
    for weights, slope in zip(views(vae.layers, vae.parameters), views(vae.layers, vae.loss_and_gradient(x, epsilon)[1]), strict=True):
        if weights.size:
            some = slice(None, None, -max(1, weights.size // 10))
            check_gradient(lambda: vae.loss_and_gradient(x, epsilon)[0]["total_loss"],
                           weights.reshape(-1, copy=False)[some], slope.ravel()[some], tolerance=1e-5, step=1e-6)


@pytest.mark.parametrize("latent, beta, shape, n", [(2, 1.0, (8, 8, 1), 3), (3, 2.5, (4, 12, 2), 18)])
def test_gradient(latent, beta, shape, n):
    vae = small(latent=latent, beta=beta, shape=shape)
    epsilon = np.random.default_rng(6).standard_normal((n, latent))
    check(vae, pictures(n, shape), epsilon)


@pytest.mark.parametrize("call", ["encode", "decode"])
def test_what_comes_out_as_no_number_is_an_error(call):
    vae = small()
    vae.parameters *= 1e300
    with pytest.raises(ValueError, match="too large for this network"):
        getattr(vae, call)(pictures(3) if call == "encode" else np.ones((3, vae.latent)))


@pytest.mark.parametrize("number", [0, 1, 3, 4, 6, 8, 9, 10])
def test_gradient_check_notices_a_wrong_backward(number):
    vae = small()
    layer, backward = vae.layers[number], vae.layers[number].backward

    def wrong(buffers):
        backward(buffers)
        buffers.grads *= 1.01

    layer.backward = wrong
    with pytest.raises(AssertionError, match="relative error"):
        check(vae, pictures(3), np.ones((3, 2)))


def in_torch(vae, torch, x, epsilon):
    """Losses and gradient of the same VAE, written with PyTorch from Keras' definition, float64."""
    F, parameters = torch.nn.functional, torch.tensor(vae.parameters, requires_grad=True)
    sizes = [int(np.prod(layer.shape)) for layer in vae.layers]
    parts = [part for part in torch.split(parameters, sizes) if len(part)]

    def conv(x, flat, channels):
        kernel = flat[:-channels].reshape(3, 3, -1, channels).permute(3, 2, 0, 1)
        return F.relu(F.conv2d(F.pad(x, (0, 1, 0, 1)), kernel, flat[-channels:], stride=2))

    def up(x, flat, channels, stride):
        kernel = flat[:-channels].reshape(3, 3, channels, -1).permute(3, 2, 0, 1)
        y = F.conv_transpose2d(x, kernel, flat[-channels:], stride=stride)
        first = 0 if stride == 2 else 1
        return y[:, :, first:first + stride * x.shape[2], first:first + stride * x.shape[3]]

    def dense(x, flat, outputs):
        return x @ flat.reshape(-1, outputs)[:-1] + flat.reshape(-1, outputs)[-1]

    x, epsilon = torch.tensor(x), torch.tensor(epsilon)
    images = x.permute(0, 3, 1, 2)
    hidden = conv(conv(images, parts[0], 32), parts[1], 64)
    height, width = hidden.shape[2:]
    hidden = F.relu(dense(hidden.permute(0, 2, 3, 1).flatten(1), parts[2], 16))
    mean, log_var = dense(hidden, parts[3], 2 * vae.latent).chunk(2, 1)
    z = mean + torch.exp(0.5 * log_var) * epsilon
    hidden = F.relu(dense(z, parts[4], height * width * 64)).reshape(-1, height, width, 64).permute(0, 3, 1, 2)
    logits = up(F.relu(up(F.relu(up(hidden, parts[5], 64, 2)), parts[6], 32, 2)), parts[7], x.shape[3], 1)
    pixels = F.binary_cross_entropy_with_logits(logits, images, reduction="none")
    reconstruction = pixels.sum((1, 2, 3)).mean()
    kl = (-0.5 * (1 + log_var - mean ** 2 - torch.exp(log_var))).sum(1).mean()
    total = reconstruction + vae.beta * kl
    total.backward()
    return [float(loss.detach()) for loss in (reconstruction, kl, total)], parameters.grad.numpy(), parameters


@pytest.mark.parametrize("shape, beta", [((28, 28, 1), 1.0), ((12, 20, 3), 3.0)])
def test_agrees_with_pytorch(shape, beta):
    torch = pytest.importorskip("torch")
    vae, x = small(shape=shape, beta=beta), pictures(20, shape)
    epsilon = np.random.default_rng(6).standard_normal((20, 2))
    losses, gradient = vae.loss_and_gradient(x, epsilon)
    reference, reference_gradient, _ = in_torch(vae, torch, x, epsilon)
    np.testing.assert_allclose(list(losses.values()), reference, rtol=1e-12)
    np.testing.assert_allclose(gradient, reference_gradient, atol=1e-10 * abs(gradient).max())


def test_three_adam_steps_agree_with_pytorch():
    torch = pytest.importorskip("torch")
    vae, x = small(), pictures(20)
    epsilon = np.random.default_rng(6).standard_normal((20, 2))
    reference = VAE(latent=2, shape=(8, 8, 1), dtype="float64")
    reference.parameters[...] = vae.parameters
    theirs = torch.tensor(vae.parameters, requires_grad=True)
    adam, gradient = torch.optim.Adam([theirs], 1e-3), np.empty_like(vae.parameters)
    optimizer = Adam(1e-3)
    buffers = optimizer.prepare(vae.parameters, gradient)
    for _ in range(3):
        gradient[...] = vae.loss_and_gradient(x, epsilon)[1]
        optimizer.step(buffers, 0)
        theirs.grad = torch.tensor(in_torch(reference, torch, x, epsilon)[1])
        adam.step()
        reference.parameters[...] = theirs.detach().numpy()
    np.testing.assert_allclose(vae.parameters, reference.parameters, atol=1e-9)


def test_agrees_with_keras(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    torch, keras = pytest.importorskip("torch"), pytest.importorskip("keras")
    layers, vae, x = keras.layers, small(shape=(28, 28, 1)), pictures(5, (28, 28, 1))
    epsilon, same = np.random.default_rng(6).standard_normal((5, 2)), dict(padding="same", dtype="float64")
    relu = dict(activation="relu", dtype="float64")
    conv1, conv2 = (layers.Conv2D(n, 3, strides=2, activation="relu", **same) for n in (32, 64))
    dense, mean_, log_var_ = layers.Dense(16, **relu), layers.Dense(2, dtype="float64"), layers.Dense(2, dtype="float64")
    back = layers.Dense(7 * 7 * 64, **relu)
    ups = [layers.Conv2DTranspose(n, 3, strides=2, activation="relu", **same) for n in (64, 32)]
    last = layers.Conv2DTranspose(1, 3, activation="sigmoid", **same)

    def losses():
        xt = torch.tensor(x)
        hidden = dense(layers.Flatten(dtype="float64")(conv2(conv1(xt))))
        mean, log_var = mean_(hidden), log_var_(hidden)
        z = mean + keras.ops.exp(0.5 * log_var) * torch.tensor(epsilon)
        y = last(ups[1](ups[0](layers.Reshape((7, 7, 64), dtype="float64")(back(z)))))
        reconstruction = keras.ops.mean(keras.ops.sum(keras.losses.binary_crossentropy(xt, y), axis=(1, 2)))
        kl = -0.5 * (1 + log_var - keras.ops.square(mean) - keras.ops.exp(log_var))
        kl = keras.ops.mean(keras.ops.sum(kl, axis=1))
        return reconstruction, kl, reconstruction + kl
    losses()                                            # builds the layers
    weights = [w for w in views(vae.layers, vae.parameters) if w.size]
    heads = np.split(weights[3], 2, axis=1)
    for layer, flat in zip([conv1, conv2, dense, mean_, log_var_, back, *ups, last], [*weights[:3], *heads, *weights[4:]], strict=True):
        kernel, bias = layer.weights
        kernel.assign(flat.ravel()[:-bias.shape[0]].reshape(kernel.shape))
        bias.assign(flat.ravel()[-bias.shape[0]:])
    reference = losses()
    reference[2].backward()
    ours, gradient = vae.loss_and_gradient(x, epsilon)
    np.testing.assert_allclose(list(ours.values()), [float(loss.detach()) for loss in reference], rtol=1e-6)

    def flat_gradient(layer):
        return np.concatenate([w.value.grad.numpy().reshape(-1, layer.weights[-1].shape[0] if type(layer) is layers.Dense
                                                            else 1) for w in layer.weights])
    dense_heads = np.concatenate([flat_gradient(mean_), flat_gradient(log_var_)], axis=1)
    theirs = np.concatenate([g.ravel() for g in (*map(flat_gradient, (conv1, conv2, dense)), dense_heads,
                                                 *map(flat_gradient, (back, *ups, last)))])
    np.testing.assert_allclose(gradient, theirs, atol=1e-6 * abs(theirs).max())


def test_losses_are_what_they_say():
    """The cross-entropy from encode and decode themselves; the KL by Monte Carlo from the two densities."""
    vae, x = small(), pictures(4)
    mean, log_var = vae.encode(x)
    losses, _ = vae.loss_and_gradient(x, np.zeros((4, 2)))
    y = vae.decode(mean)
    assert losses["reconstruction_loss"] == pytest.approx(-(x * np.log(y) + (1 - x) * np.log(1 - y)).sum() / 4)
    assert losses["total_loss"] == pytest.approx(losses["reconstruction_loss"] + losses["kl_loss"])
    noise = np.random.default_rng(7).standard_normal((100_000, *mean.shape))
    z = mean + np.exp(log_var / 2) * noise
    ratio = (-noise ** 2 / 2 - log_var / 2 + z ** 2 / 2).sum(-1)             # log q(z|x) - log p(z)
    assert losses["kl_loss"] == pytest.approx(ratio.mean(), abs=5 * ratio.mean(1).std() / np.sqrt(len(z)))


def test_sampled_codes_have_the_standard_deviation_of_the_posterior(monkeypatch):
    from autoenc.vae import Sample
    vae, codes, forward = small(), [], Sample.forward
    views(vae.layers, vae.parameters)[4][-1, 2:] = (-2.0, 1.0)                # variances far from 1, and from each other
    x = np.repeat(pictures(1), 4000, 0)

    def watched(self, buffers):
        forward(self, buffers)
        codes.append(buffers.y.copy())

    monkeypatch.setattr(Sample, "forward", watched)
    vae.evaluate(x, rng=8)
    mean, log_var = vae.encode(x[:1])
    codes = np.concatenate(codes)
    np.testing.assert_allclose(codes.std(0), np.exp(log_var[0] / 2), rtol=0.05)
    np.testing.assert_allclose(codes.mean(0), mean[0], atol=0.1)


def test_the_number_of_workers_changes_nothing():
    results = []
    for workers in (1, 2, 3):
        vae = VAE(shape=(8, 8, 1), rng=1)
        history = vae.fit(pictures(100, dtype="float32"), 3, batch_size=40, workers=workers, rng=2)
        results.append((vae.parameters, history.total_loss))
    for parameters, losses in results[1:]:
        np.testing.assert_array_equal(parameters, results[0][0])
        np.testing.assert_array_equal(losses, results[0][1])


def test_history_and_evaluate():
    vae, x = VAE(beta=2, shape=(8, 8, 1)), pictures(50, dtype="float32") ** 4
    before = vae.evaluate(x)
    history = vae.fit(x, 20, batch_size=20, optimizer=Adam(0.003), rng=1, validation=x[:30])
    assert isinstance(history, History) and sorted(vars(history)) == sorted(NAMES + [f"val_{n}" for n in NAMES])
    assert all(curve.shape == (20,) for curve in vars(history).values())
    np.testing.assert_allclose(history.total_loss, history.reconstruction_loss + 2 * history.kl_loss, rtol=1e-5)
    assert list(before) == NAMES and all(type(value) is float for value in before.values())
    assert vae.evaluate(x)["total_loss"] < before["total_loss"] - 1
    assert vae.evaluate(x[:30])["total_loss"] == pytest.approx(history.val_total_loss[-1], rel=1e-5)
    assert vae.evaluate(x, rng=1) == vae.evaluate(x, rng=1) != vae.evaluate(x, rng=2)


def test_a_curve_is_a_mean_over_pictures_though_the_last_batch_is_smaller():
    vae, brightness = VAE(shape=(8, 8, 1)), np.linspace(0, 1, 50, dtype="float32").reshape(50, 1, 1, 1)
    x = brightness * pictures(50, dtype="float32")
    vae.noise = lambda samples, rng: np.zeros((samples, 2), np.float32)     # else each order has its own
    still = vae.fit(x, 1, batch_size=20, optimizer=SGD(0.0), rng=3)
    for name, value in vae.evaluate(x).items():
        assert getattr(still, name)[0] == pytest.approx(value, rel=1e-5)


def test_after_each_epoch_a_function_is_called():
    vae, seen = VAE(shape=(8, 8, 1)), []
    vae.fit(pictures(20, dtype="float32"), 3, batch_size=10, after_epoch=lambda: seen.append(vae.parameters.copy()))
    assert len(seen) == 3 and (seen[0] != seen[1]).any() and (seen[2] == vae.parameters).all()


def test_without_a_batch_size_all_pictures_are_one_batch():
    x, runs = pictures(20, dtype="float32"), [VAE(shape=(8, 8, 1), rng=1) for _ in range(2)]
    for vae, batch_size in zip(runs, (None, 20), strict=True):
        vae.fit(x, 2, batch_size=batch_size, rng=2)
    assert (runs[0].parameters == runs[1].parameters).all()


def test_same_rng_same_result_and_validation_changes_nothing():
    x, runs = pictures(40, dtype="float32"), []
    for validation in (None, None, x[:5]):
        vae = VAE(shape=(8, 8, 1), rng=1)
        vae.fit(x, 2, batch_size=16, rng=2, validation=validation)
        runs.append(vae.parameters)
    assert (runs[0] == runs[1]).all() and (runs[0] == runs[2]).all()
    assert (VAE(rng=1).parameters != VAE(rng=2).parameters).any()


def test_far_away_codes_are_decoded_without_a_warning_and_too_large_ones_named():
    vae = VAE(latent=2, rng=0)
    y = vae.decode(np.array([[1e8, -1e8]]))
    assert y.min() == 0 and y.max() == 1
    vae.parameters *= 1e10
    with pytest.raises(ValueError, match=r"^z has values up to 1e\+38, too large"):
        vae.decode(np.array([[1e38, -1e38]]))


def test_decode_and_sample():
    vae = VAE(shape=(8, 12, 1))
    z = np.random.default_rng(0).standard_normal((33, 2))
    y = vae.decode(z)
    assert y.shape == (33, 8, 12, 1) and y.dtype == np.float32 and y.min() >= 0 and y.max() <= 1
    np.testing.assert_allclose(y[20:21], vae.decode(z[20:21]), atol=1e-6)
    assert (vae.sample(5, rng=1) == vae.sample(5, rng=1)).all() and vae.sample(5, rng=1).shape == (5, 8, 12, 1)


def test_samples_have_codes_of_the_standard_normal():
    vae = VAE(shape=(4, 4, 1))
    vae.decode = lambda z: z
    z = vae.sample(10_000, rng=0)
    assert z.shape == (10_000, 2)
    np.testing.assert_allclose(z.mean(0), 0, atol=4 / np.sqrt(len(z)))
    np.testing.assert_allclose(np.cov(z.T), np.eye(2), atol=4 * np.sqrt(2 / len(z)))


def test_keras_architecture():
    vae = VAE()
    assert [int(np.prod(layer.shape)) for layer in vae.layers] == [320, 18496, 0, 50192, 68, 0, 9408, 0, 36928, 18464, 289]


def test_save_and_load(tmp_path):
    vae = VAE(latent=3, beta=0.5, shape=(8, 8, 1), rng=9)
    vae.save(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    loaded = VAE.load(tmp_path / "model")
    assert loaded.settings == vae.settings and (loaded.parameters == vae.parameters).all()


def test_load_refuses_other_files(tmp_path):
    from autoenc import Autoencoder
    path = tmp_path / "model"
    Autoencoder((35, 2), rng=0).save(path)
    with pytest.raises(ValueError, match="not a saved VAE"):
        VAE.load(path)
    mixed = VAE(latent=2)
    mixed.latent = 3
    mixed.save(path)
    with pytest.raises(ValueError, match="rng was"):
        VAE.load(path)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(ValueError, match="not a saved VAE"):
        VAE.load(path)
    with pytest.raises(FileNotFoundError):
        VAE.load(tmp_path / "nothing")


NAN = pictures(4)
NAN[2, 3, 4] = np.nan
X = pictures(4)


class Still(VAE):
    def noise(self, samples, rng):
        return np.zeros((samples, self.latent), self.dtype)


def test_losses_do_not_drift_however_many_pictures_there_are():
    vae, x = Still(rng=1, shape=(4, 4, 1)), pictures(8, (4, 4, 1), "float32")
    few, many = vae.evaluate(x), vae.evaluate(np.tile(x, (2000, 1, 1, 1)))
    assert many == pytest.approx(few, rel=1e-9)
    assert many["total_loss"] == pytest.approx(many["reconstruction_loss"] + many["kl_loss"], rel=1e-12)


def threads_of_blas():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_an_error_in_one_micro_batch_leaves_parameters_and_threads_as_before(error):
    class Failing(VAE):
        def _sample_buffers(self, chain):
            if next(calls, None) is None:
                raise error("in a worker")
            return super()._sample_buffers(chain)

    calls = iter(range(3))

    vae, threads, blas = Failing(rng=0, shape=(8, 8, 1)), threading.active_count(), threads_of_blas()
    before = vae.parameters.copy()
    with pytest.raises(error, match="in a worker"):
        vae.fit(pictures(64, dtype="float32"), 2, 64)
    np.testing.assert_array_equal(vae.parameters, before)
    assert threading.active_count() == threads and threads_of_blas() == blas


@pytest.mark.parametrize("call, name", [
    (lambda vae: vae.fit(X[..., 0]), r"x was of shape \(4, 8, 8\)"), (lambda vae: vae.fit(X[:0]), r"x was of shape \(0, 8, 8, 1\); .* not empty"),
    (lambda vae: vae.fit((X * 255).astype("uint8")), "x was of uint8, with values up to 25.; .* divide by 255"), (lambda vae: vae.fit(X * 255), "x has values"),
    (lambda vae: vae.fit(NAN), "x has values from nan"), (lambda vae: vae.fit("pictures"), "x was 'pictures'"),
    (lambda vae: vae.fit(X, 0), "epochs"), (lambda vae: vae.fit(X, 1, batch_size=0), "batch_size"),
    (lambda vae: vae.fit(X, 1, 2, workers=0), "workers"), (lambda vae: vae.fit(X, 1, 2, workers=257), "workers"),
    (lambda vae: vae.fit(X, 1, 2, workers=1.5), "workers"), (lambda vae: vae.fit(X, 1, 2, optimizer="adam"), "optimizer"),
    (lambda vae: vae.fit(X, 1, 2, validation=-X), "validation"), (lambda vae: vae.evaluate(NAN), "x has values from nan"),
    (lambda vae: vae.encode(X[:, :4]), r"x was of shape \(4, 4, 8, 1\)"), (lambda vae: vae.decode(np.zeros((3, 5))), r"z was of shape \(3, 5\)"),
    (lambda vae: vae.decode(np.zeros((3, 2), complex)), r"z was dtype\('complex128'\)"), (lambda vae: vae.decode([[np.inf, 0.0]]), "z has values"),
    (lambda vae: vae.sample(0), "n was"), (lambda vae: vae.loss_and_gradient(X, np.zeros((3, 2))), r"epsilon was of shape \(3, 2\); it must be of shape \(4, 2\)"),
    (lambda vae: vae.loss_and_gradient(X, np.zeros((4, 3))), r"epsilon was of shape \(4, 3\); it must be of shape \(4, 2\)"),
    (lambda vae: VAE(latent=0), "latent"), (lambda vae: VAE(latent=2.0), "latent"), (lambda vae: VAE(beta=-1), "beta"),
    (lambda vae: VAE(beta=np.nan), "beta"), (lambda vae: VAE(dtype="float16"), "dtype"),
    (lambda vae: VAE(shape=(30, 28, 1)), "shape"), (lambda vae: VAE(shape=28), "shape")])
def test_bad_input_is_named(call, name):
    vae = small()
    before = vae.parameters.copy()
    with pytest.raises((TypeError, ValueError), match=f"^{name}"):
        call(vae)
    assert (vae.parameters == before).all()


def test_ctrl_c_leaves_the_last_finished_epoch():
    x, reference = pictures(64, dtype="float32"), VAE(shape=(8, 8, 1), rng=1)
    reference.fit(x, 3, batch_size=16, rng=2)
    vae, count = VAE(shape=(8, 8, 1), rng=1), [0]

    class Interrupting(Adam):
        def step(self, buffers, progress):
            count[0] += 1
            if count[0] == 3 * 4 + 2:
                signal.raise_signal(signal.SIGINT)
            super().step(buffers, progress)
    with pytest.raises(KeyboardInterrupt):
        vae.fit(x, 10, batch_size=16, rng=2, optimizer=Interrupting())
    assert (vae.parameters == reference.parameters).all()
    np.testing.assert_array_equal(vae.history.total_loss, reference.history.total_loss)         # what is finished is kept
    vae.fit(x, 1, batch_size=16)                        # and goes on from there


def test_divergence_is_an_error():
    vae = VAE(shape=(8, 8, 1))
    with pytest.raises(FloatingPointError, match="diverged"):
        vae.fit(pictures(32, dtype="float32"), 20, batch_size=16, optimizer=SGD(1e6))
    assert np.isfinite(vae.parameters).all()


def test_no_thread_is_left_behind():
    VAE(shape=(8, 8, 1)).fit(pictures(32, dtype="float32"), 1, batch_size=32, workers=4)
    assert not [thread for thread in threading.enumerate() if "ThreadPool" in thread.name]


def test_pretraining_goes_on_after_an_interruption(tmp_path, monkeypatch, capsys):
    from autoenc import fashion_mnist
    from autoenc.pretrain import train_pretrained
    x, settings = fashion_mnist(sample=True)[0][0][:40], dict(epochs=3, batch_size=16)
    fit, prepare, calls, remembered = VAE.fit, Adam.prepare, [], []

    def watched(self, params, grads, memory):
        remembered.append((memory.steps, bool(memory.first.any()), bool(memory.second.any())))
        return prepare(self, params, grads, memory)
    monkeypatch.setattr(Adam, "prepare", watched)
    whole = train_pretrained(x, x[:10], tmp_path / "whole.npz", **settings)

    def interrupted(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)
    monkeypatch.setattr(VAE, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_pretrained(x, x[:10], tmp_path / "parts.npz", **settings)
    with pytest.raises(ValueError, match="another training"):
        train_pretrained(x, x[:10], tmp_path / "parts.npz", **settings, seed=1)
    parts = train_pretrained(x, x[:10], tmp_path / "parts.npz", **settings)
    assert len(calls) == 4 and (whole.parameters == parts.parameters).all()
    assert remembered == [(0, False, False), (3, True, True), (6, True, True)] * 2
    assert (tmp_path / "parts.json").read_text() == (tmp_path / "whole.json").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.json", "parts.npz", "whole.json", "whole.npz"]
    assert (VAE.load(tmp_path / "parts.npz").parameters == whole.parameters).all()


def test_the_pretrained_model_is_as_good_as_its_history_says():
    import json
    from pathlib import Path

    from autoenc import fashion_mnist
    from autoenc.pretrain import DATA
    assert (DATA / "vae.npz").stat().st_size <= 600_000
    record = json.loads((DATA / "vae.json").read_text())
    assert record["settings"]["train"] == 60_000 and record["settings"]["epochs"] >= 30
    assert all(len(curve) == record["settings"]["epochs"] for curve in record["curves"].values())
    said, vae = record["curves"]["val_total_loss"][-1], VAE.pretrained()
    assert said < 264
    assert vae.evaluate(fashion_mnist(sample=True)[1][0])["total_loss"] == pytest.approx(said, rel=0.02)
    if Path("/usr/share/datasets/fashion-mnist").is_dir():
        assert vae.evaluate(fashion_mnist()[1][0])["total_loss"] == pytest.approx(said, abs=0.01)


def test_beta_lives_in_one_place(tmp_path):
    vae, x, epsilon = small(), pictures(3), np.random.default_rng(6).standard_normal((3, 2))
    vae.beta = 5.0
    losses, _ = vae.loss_and_gradient(x, epsilon)
    assert losses["total_loss"] == pytest.approx(losses["reconstruction_loss"] + 5 * losses["kl_loss"], rel=1e-12)
    check(vae, x, epsilon)
    vae.save(tmp_path / "vae")
    assert VAE.load(tmp_path / "vae").beta == vae.settings["beta"] == 5
    with pytest.raises(ValueError, match="^beta was -1"):
        vae.beta = -1
    assert vae.beta == 5


def test_features_are_what_mean_and_log_variance_are_affine_maps_of():
    vae, x = small(dense="tanh"), pictures(20)
    features, heads = vae.features(x), views(vae.layers, vae.parameters)[4]
    assert features.shape == (20, 16) and np.abs(features).max() < 1
    np.testing.assert_allclose(features @ heads[:-1] + heads[-1], np.hstack(vae.encode(x)), atol=1e-12)


@pytest.mark.parametrize("dense", ["tanh", "linear", "sigmoid"])
def test_the_activation_of_the_encoders_dense_layer_can_be_chosen_and_comes_back(dense, tmp_path):
    vae = small(dense=dense)
    check(vae, pictures(3), np.random.default_rng(6).standard_normal((3, 2)))
    vae.save(tmp_path / "vae")
    assert VAE.load(tmp_path / "vae").settings == vae.settings
    with pytest.raises(ValueError, match="^dense was 'gelu'"):
        VAE(dense="gelu")


def test_a_file_without_dense_is_of_a_vae_with_relu(tmp_path):
    vae = VAE(shape=(8, 8, 1), rng=3)
    settings = json.dumps({"model": "VAE"} | {name: value for name, value in vae.settings.items() if name != "dense"})
    with open(tmp_path / "vae", "wb") as file:
        np.savez(file, settings=settings, parameters=vae.parameters)
    assert VAE.load(tmp_path / "vae").dense == "relu"


@pytest.mark.parametrize("warmup", [0.5, 2, 10])
def test_in_the_warm_up_the_weight_of_kl_rises_linearly_from_0(monkeypatch, warmup):
    weights, honest = [], VAE._losses_and_gradient

    def watched(self, batches, x, epsilon, beta):
        weights.append(beta)
        return honest(self, batches, x, epsilon, beta)

    monkeypatch.setattr(VAE, "_losses_and_gradient", watched)
    vae = VAE(shape=(8, 8, 1), beta=3.0, rng=1)
    history = vae.fit(pictures(40, dtype="float32"), 4, batch_size=16, rng=2, warmup=warmup)
    seen = np.concatenate([40 * epoch + np.array([0, 16, 32]) for epoch in range(4)])
    np.testing.assert_allclose(weights, 3 * np.minimum(1, seen / (40 * warmup)), rtol=1e-12)
    np.testing.assert_allclose(history.total_loss, history.reconstruction_loss + 3 * history.kl_loss, rtol=1e-12)
    for bad in -1, np.nan, "1":
        with pytest.raises(ValueError, match="^warmup was"):
            vae.fit(pictures(4, dtype="float32"), 1, warmup=bad)


def test_without_warm_up_training_is_what_it_was():
    x, one, other = pictures(40, dtype="float32"), VAE(shape=(8, 8, 1), rng=1), VAE(shape=(8, 8, 1), rng=1)
    one.fit(x, 2, batch_size=16, rng=2, warmup=0)
    other.fit(x, 2, batch_size=16, rng=2, warmup=1e-9)          # the first batch alone has no KL
    assert (one.parameters != other.parameters).any()
    assert np.abs(one.parameters - other.parameters).max() < 0.03


def test_fewer_pictures_than_a_batch_are_one_batch():
    x, one, other = pictures(20, dtype="float32"), VAE(shape=(8, 8, 1), rng=1), VAE(shape=(8, 8, 1), rng=1)
    one.fit(x, 2, rng=2)
    other.fit(x, 2, batch_size=20, rng=2)
    np.testing.assert_array_equal(one.parameters, other.parameters)


def test_whole_numbers_are_codes_too():
    vae = small()
    np.testing.assert_array_equal(vae.decode([[0, 0], [1, -1]]), vae.decode(np.array([[0.0, 0], [1, -1]])))


def test_losses_that_are_no_numbers_name_the_parameters():
    vae = small()
    vae.parameters[:] = np.nan
    for call in lambda: vae.evaluate(pictures(3)), lambda: vae.loss_and_gradient(pictures(3), np.zeros((3, 2))):
        with pytest.raises(ValueError, match="^parameters has values that are not finite"):
            call()


def test_means_and_log_variances_start_each_like_a_layer_of_its_own():
    """Glorot's limit is that of 16 inputs and `latent` outputs, not of twice as many."""
    latent, starts = 8, []
    for seed in range(20):
        vae = VAE(latent, shape=(4, 4, 1), rng=seed)
        starts.append(views(vae.layers, vae.parameters)[4])
    weights, biases = np.array(starts)[:, :-1], np.array(starts)[:, -1]
    limit = np.sqrt(6 / (16 + latent))
    for half in np.split(weights, 2, axis=-1):
        assert 0.98 * limit < np.abs(half).max() <= limit
    assert not biases.any()


def test_noise_is_drawn_in_single_precision():
    vae = VAE(shape=(4, 4, 1))
    np.testing.assert_array_equal(vae.noise(5, np.random.default_rng(3)),
                                  np.random.default_rng(3).standard_normal((5, 2), np.float32))


def test_several_workers_share_the_micro_batches_and_one_starts_no_thread(monkeypatch):
    threads, honest = set(), VAE._sample_buffers

    def watched(self, chain):
        threads.add(threading.get_ident())
        barrier.wait(20)
        return honest(self, chain)

    monkeypatch.setattr(VAE, "_sample_buffers", watched)
    x = pictures(32, dtype="float32")
    for workers, count in (2, 2), (1, 1):
        threads.clear()
        barrier = threading.Barrier(count)                  # two micro-batches go on only together
        VAE(shape=(8, 8, 1)).fit(x, 1, workers=workers)
        assert len(threads) == count and (threading.get_ident() in threads) == (workers == 1)


def test_without_an_optimizer_it_is_adam_with_its_own_rate():
    x, one, other = pictures(20, dtype="float32"), VAE(shape=(8, 8, 1), rng=1), VAE(shape=(8, 8, 1), rng=1)
    one.fit(x, 2, rng=2)
    other.fit(x, 2, optimizer=Adam(0.001), rng=2)
    np.testing.assert_array_equal(one.parameters, other.parameters)
