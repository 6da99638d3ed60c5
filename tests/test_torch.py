"""An independent oracle: PyTorch, where it is installed, agrees on values, gradients and optimiser steps in float64."""

import itertools

import numpy as np
import pytest

from autoenc import SGD, Adam, Autoencoder, Momentum, characters

from .gradients import loss_and_gradient

torch = pytest.importorskip("torch")

SIZES = (35, 10, 2)
MODELS = [dict(hidden="tanh", latent="linear", output="sigmoid"), dict(hidden="tanh", latent="tanh", output="sigmoid"),
          dict(hidden="relu", latent="sigmoid", output="sigmoid"), dict(hidden="softmax", latent="linear",
                                                                        output="sigmoid"),
          dict(hidden="linear", latent="linear", output="linear"), dict(hidden="sigmoid", latent="softmax",
                                                                        output="tanh")]
CASES = [(kinds, "mse") for kinds in MODELS] + [(kinds, "bce") for kinds in MODELS if kinds["output"] == "sigmoid"]
ACTIVATIONS = {"linear": lambda z: z, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu,
               "softmax": lambda z: torch.softmax(z, -1)}


def ours(**kinds):
    """A float64 autoencoder with biases away from zero."""
    ae = Autoencoder(SIZES, rng=4, dtype=np.float64, **kinds)
    ae.parameters += np.random.default_rng(8).normal(0, 0.2, ae.parameters.shape)
    return ae


def theirs(ae):
    """The same network as a list of torch's weights and biases, cut out of our flat vector."""
    sizes, tensors, first = [*ae.sizes, *ae.sizes[-2::-1]], [], 0
    for inputs, outputs in itertools.pairwise(sizes):
        for shape in (inputs, outputs), (outputs,):
            part = ae.parameters[first:first + np.prod(shape)].reshape(shape)
            tensors.append(torch.tensor(part, requires_grad=True))
            first += part.size
    assert first == ae.parameters.size
    return tensors


def torch_outputs(ae, tensors, x):
    """Every layer's output, the last one's logits in place of its output where it is a sigmoid."""
    between, latent, output = [ae.settings["hidden"]] * (len(ae.sizes) - 2), ae.settings["latent"], ae.settings["output"]
    kinds = [*between, latent, *between, output]
    outputs, y = [], torch.tensor(x)
    for kind, weights, bias in zip(kinds, tensors[::2], tensors[1::2], strict=False):
        z = y @ weights + bias
        y = ACTIVATIONS[kind](z)
        outputs.append(y)
    return outputs, z


def torch_loss(ae, tensors, x, loss):
    outputs, logits = torch_outputs(ae, tensors, x)
    if loss == "mse":
        return torch.nn.functional.mse_loss(outputs[-1], torch.tensor(x), reduction="sum") / len(x)
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, torch.tensor(x), reduction="sum") / len(x)


def flat(tensors):
    return np.concatenate([tensor.detach().numpy().ravel() for tensor in tensors])


def pictures():
    return characters("lowercase")[0].astype(np.float64)


def label(case):
    kinds, loss = case
    return "-".join([*kinds.values(), loss])


@pytest.mark.parametrize("case", CASES, ids=label)
def test_values_and_gradients_agree(case):
    kinds, loss = case
    ae, x = ours(**kinds), pictures()
    tensors = theirs(ae)
    outputs, _ = torch_outputs(ae, tensors, x)
    np.testing.assert_allclose(ae.encode(x), outputs[1].detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ae.reconstruct(x), outputs[-1].detach().numpy(), rtol=1e-10, atol=1e-12)
    expected = torch_loss(ae, tensors, x, loss)
    expected.backward()
    value, gradient = loss_and_gradient(ae, x, loss)
    assert value == pytest.approx(expected.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, flat([tensor.grad for tensor in tensors]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", ["mse", "bce"])
@pytest.mark.parametrize("optimizer, torch_optimizer", [
    (SGD(0.01), lambda tensors: torch.optim.SGD(tensors, lr=0.01)),
    # torch's velocity lacks the rate, ours has it in it: with a constant rate that is the same.
    (Momentum(0.01, 0.9), lambda tensors: torch.optim.SGD(tensors, lr=0.01, momentum=0.9)),
    (Adam(0.01), lambda tensors: torch.optim.Adam(tensors, lr=0.01, eps=1e-8)),
], ids=["SGD", "Momentum", "Adam"])
def test_three_steps_agree(optimizer, torch_optimizer, loss):
    ae, x = ours(), pictures()
    tensors, before = theirs(ae), ae.parameters.copy()
    stepper, losses = torch_optimizer(tensors), []
    for _ in range(3):
        stepper.zero_grad()
        value = torch_loss(ae, tensors, x, loss)
        value.backward()
        stepper.step()
        losses.append(value.item())
    history = ae.fit(x, 3, loss=loss, optimizer=optimizer)
    assert np.abs(ae.parameters - before).max() > 0.005
    np.testing.assert_allclose(history.loss, losses, rtol=1e-10)
    np.testing.assert_allclose(ae.parameters, flat(tensors), rtol=0, atol=1e-10)
