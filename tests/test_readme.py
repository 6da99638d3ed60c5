"""The README's Python runs, and does what the README says."""

import re
from pathlib import Path

import numpy as np
import pytest

from autoenc import layers as autoenc_layers
from autoenc.models import TrainableChain, views

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README[README.index("## The code"):README.index("## Credits")], re.S)


@pytest.fixture
def names():
    """What the README's snippets define, run one after the other, as a reader would."""
    before, names = dict(autoenc_layers.ACTIVATIONS), {}
    for block in BLOCKS:
        exec(block, names)
        names.setdefault("losses", []).append(names.get("loss"))
    yield names
    autoenc_layers.ACTIVATIONS.clear()
    autoenc_layers.ACTIVATIONS.update(before)


def test_ten_lines_train_a_network(names):
    lines = [line for line in BLOCKS[0].splitlines() if not line.startswith(("import", "from"))]
    assert len(lines) <= 10
    assert names["losses"][0] < 1
    untrained = {}
    exec(BLOCKS[0].replace("range(1000)", "range(1)"), untrained)
    assert untrained["loss"] > 8


def test_an_activation_of_the_readme_has_the_right_slope(names):
    from .gradients import check_layer

    rng = np.random.default_rng(0)
    layer = autoenc_layers.Dense(5, 4, "softplus")
    check_layer(layer, rng.standard_normal(layer.shape), autoenc_layers.with_ones(rng.random((8, 5)))[0], rng.random((8, 4)))


def test_a_noise_of_the_readme_erases_one_row(names):
    pictures = np.ones((2, 6, 35), np.float32)
    erased = names["erase_rows"](pictures, np.random.default_rng(0)).reshape(2, 6, 7, 5)
    assert (erased.sum((-1, -2)) == 30).all() and set(erased.sum(-1).ravel()) == {0, 5}


def test_a_layer_of_the_readme_is_checked_and_works_in_a_chain(names):
    from .gradients import check_layer

    rng, layers = np.random.default_rng(0), names["layers"]
    params = np.concatenate([layer.initial(rng).ravel() for layer in layers]).astype(np.float32)
    x, target = autoenc_layers.with_ones(names["characters"]()[0])
    chain = TrainableChain(layers, params, x, names["MeanSquaredError"], target, np.empty_like(params))
    optimizer = names["Adam"](0.01)
    buffers, first = optimizer.prepare(params, chain.grads), chain.loss_and_gradient()
    for _ in range(200):
        loss = chain.loss_and_gradient()
        optimizer.step(buffers, 0)
    assert loss < first / 3 and all(part.any() for part in views(layers, chain.grads))

    class Wrong(names["Scale"]):
        def backward(self, buffers):
            super().backward(buffers)
            buffers.grads *= 1.01

    with pytest.raises(AssertionError, match="relative error"):
        check_layer(Wrong(5), rng.random(5), autoenc_layers.with_ones(rng.random((8, 5)))[0], rng.random((8, 5)))


def test_every_module_of_the_networks_stands_in_the_readme():
    modules = {path.name for path in (Path(__file__).parent.parent / "autoenc").glob("[a-z]*.py")} - {"slides.py"}
    assert not {name for name in modules if f"`{name}`" not in README}
