"""Optimisers against their textbooks, written down here once more in the plainest way."""

import math
import pickle

import numpy as np
import pytest

from autoenc import SGD, Adam, Momentum, cosine_decay

STEPS = 12


def bowl(params):
    """The gradient of a function with a different curvature in every direction."""
    return params * np.linspace(0.5, 4, params.shape[-1]) + np.sin(3 * params)


def run(optimizer, members=None, steps=STEPS):
    """Where `optimizer` gets to in some steps on the bowl."""
    params = np.random.default_rng(1).normal(size=(members, 6) if members else 6)
    grads = np.empty_like(params)
    buffers = optimizer.prepare(params, grads)
    for number in range(steps):
        grads[...] = bowl(params)
        optimizer.step(buffers, number / steps)
    return params


def start():
    return run(SGD(0.0))


def textbook_sgd(rates):
    params = start()
    for rate in rates:
        params = params - rate * bowl(params)
    return params


def textbook_momentum(rates, momentum=0.9):
    params, velocity = start(), 0
    for rate in rates:
        velocity = momentum * velocity - rate * bowl(params)
        params = params + velocity
    return params


def textbook_adam(rates, beta1=0.9, beta2=0.999, epsilon=1e-8):
    params, m, v = start(), 0, 0
    for t, rate in enumerate(rates, 1):
        g = bowl(params)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        params = params - rate * m_hat / (np.sqrt(v_hat) + epsilon)
    return params


PAIRS = [(SGD, textbook_sgd), (Momentum, textbook_momentum), (Adam, textbook_adam)]


@pytest.mark.parametrize("optimizer, textbook", PAIRS)
def test_steps_are_those_of_the_textbook(optimizer, textbook):
    assert np.abs(run(optimizer(0.05)) - start()).max() > 0.1
    np.testing.assert_allclose(run(optimizer(0.05)), textbook([0.05] * STEPS), rtol=1e-12)


@pytest.mark.parametrize("optimizer, textbook", PAIRS)
def test_a_schedule_gives_each_step_its_rate(optimizer, textbook):
    seen = []

    def schedule(progress):
        seen.append(progress)
        return 0.05 * (1 - progress)

    result = run(optimizer(schedule))
    assert seen == [number / STEPS for number in range(STEPS)]
    np.testing.assert_allclose(result, textbook([0.05 * (1 - progress) for progress in seen]), rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD, Momentum, Adam])
def test_an_array_gives_each_member_its_rate(optimizer):
    rates = np.array([0.0, 0.01, 0.1])
    together = run(optimizer(rates), members=3)
    scheduled = run(optimizer(lambda progress: rates), members=3)
    for k, rate in enumerate(rates):
        np.testing.assert_allclose(together[k], run(optimizer(rate), members=3)[k], rtol=1e-13)
    np.testing.assert_array_equal(scheduled, together)


def test_settings_other_than_the_defaults_count():
    np.testing.assert_allclose(run(Momentum(0.02, momentum=0.5)), textbook_momentum([0.02] * STEPS, 0.5), rtol=1e-12)
    np.testing.assert_allclose(run(Adam(0.02, beta1=0.5, beta2=0.9, epsilon=0.1)),
                               textbook_adam([0.02] * STEPS, 0.5, 0.9, 0.1), rtol=1e-12)


def test_the_first_step_of_adam_is_the_learning_rate_whatever_the_gradient():
    np.testing.assert_allclose(np.abs(run(Adam(0.01), steps=1) - start()), 0.01, rtol=1e-6)


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam])
def test_one_optimizer_serves_two_trainings_at_once_and_another_after_them(kind):
    optimizer, both, grads = kind(0.05), [start(), start()], np.empty((2, 6))
    trainings = [optimizer.prepare(params, gradient) for params, gradient in zip(both, grads, strict=True)]
    for number in range(STEPS):
        for params, gradient, buffers in zip(both, grads, trainings, strict=True):
            gradient[...] = bowl(params)
            optimizer.step(buffers, number / STEPS)
    for params in *both, run(optimizer):
        np.testing.assert_array_equal(params, run(kind(0.05)))


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam])
def test_a_training_goes_on_from_the_memory_of_an_earlier_one(kind):
    params, grads = start(), np.empty(6)
    memory = kind(0.05).memory(params)
    for _ in range(0, STEPS, 4):
        optimizer = kind(0.05)
        buffers = optimizer.prepare(params, grads, memory)
        for _ in range(4):
            grads[...] = bowl(params)
            optimizer.step(buffers, 0)
    np.testing.assert_array_equal(params, run(kind(0.05)))


def test_cosine_decay_falls_from_rate_to_final():
    schedule = cosine_decay(0.3, final=0.1)
    assert schedule(0) == pytest.approx(0.3, rel=1e-12)
    assert schedule(0.5) == pytest.approx(0.2, rel=1e-12)
    assert schedule(1) == pytest.approx(0.1, rel=1e-12)
    assert schedule(1 / 3) == pytest.approx(0.1 + 0.2 * (1 + math.cos(math.pi / 3)) / 2, rel=1e-12)
    assert cosine_decay(0.3)(1) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("rate", [[[0.1]], [], [0.1, -0.1], "fast"], ids=repr)
def test_cosine_decay_names_a_rate_that_fits_no_model(rate):
    with pytest.raises((TypeError, ValueError), match="^rate "):
        cosine_decay(rate)


@pytest.mark.parametrize("shape, wanted", [((5,), r"shape \(\)"), ((2, 5), r"\(\) or \(2,\)")])
def test_rates_of_a_wrong_shape_are_told_what_the_model_takes(shape, wanted):
    with pytest.raises(ValueError, match=rf"^learning_rate was of shape \(3,\); it must be of .*{wanted}, not empty$"):
        SGD([0.1, 0.2, 0.3]).prepare(np.ones(shape), np.ones(shape))


def test_cosine_decay_takes_one_rate_for_each_member():
    np.testing.assert_allclose(cosine_decay(np.array([1.0, 2.0]))(0.5), [0.5, 1.0], rtol=1e-12)


BAD_RATES = [-0.1, -1, math.nan, math.inf, "fast", None, True, [0.1, -0.1, 0.1], [0.1, 0.1], [[0.1, 0.1, 0.1]]]


@pytest.mark.parametrize("rate", BAD_RATES, ids=repr)
@pytest.mark.parametrize("optimizer", [SGD, Momentum, Adam])
def test_bad_rates_are_refused_before_the_first_step(optimizer, rate):
    params = np.ones((3, 6))
    with pytest.raises((ValueError, TypeError), match="learning_rate"):
        optimizer(rate).prepare(params, np.ones_like(params))
    assert (params == 1).all()


@pytest.mark.parametrize("rate", BAD_RATES, ids=repr)
def test_a_schedule_that_returns_a_bad_rate_is_refused(rate):
    params = np.ones((3, 6))
    optimizer = SGD(lambda progress: rate)
    buffers = optimizer.prepare(params, np.ones_like(params))
    with pytest.raises((ValueError, TypeError), match="learning_rate"):
        optimizer.step(buffers, 0)
    assert (params == 1).all()


@pytest.mark.parametrize("make, name", [
    (lambda: Momentum(momentum=1), "momentum"),
    (lambda: Momentum(momentum=-0.1), "momentum"),
    (lambda: Momentum(momentum="0.9"), "momentum"),
    (lambda: Adam(beta1=1), "beta1"),
    (lambda: Adam(beta2=math.nan), "beta2"),
    (lambda: Adam(epsilon=0), "epsilon"),
    (lambda: Adam(epsilon=math.nan), "epsilon"),
    (lambda: Adam(epsilon="small"), "epsilon"),
    (lambda: Adam(epsilon=1), "epsilon"),
    (lambda: Adam(epsilon=1.5), "epsilon"),
])
def test_bad_settings_are_refused(make, name):
    with pytest.raises((ValueError, TypeError), match=name):
        make()


def test_without_inertia_momentum_is_plain_descent_and_adam_looks_at_signs():
    np.testing.assert_array_equal(run(Momentum(0.1, momentum=0)), run(SGD(0.1)))
    params = start()
    for _ in range(STEPS):
        params -= 0.1 * np.sign(bowl(params))
    np.testing.assert_allclose(run(Adam(0.1, beta1=0, beta2=0)), params, rtol=0, atol=1e-7)


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam])
def test_a_step_leaves_the_gradient_as_it_was(kind):
    params, grads, optimizer = np.zeros(3), np.ones(3), kind(0.1)
    optimizer.step(optimizer.prepare(params, grads), 0)
    np.testing.assert_allclose(params, -0.1, rtol=1e-7)
    assert (grads == 1).all()


@pytest.mark.parametrize("kind", [SGD, Momentum, Adam])
def test_optimizers_with_a_schedule_can_be_pickled(kind):
    optimizer = kind(cosine_decay(0.1, final=0.01))
    again = pickle.loads(pickle.dumps(optimizer))
    assert repr(again) == repr(optimizer) and "cosine_decay(rate=0.1, final=0.01)" in repr(again)
    np.testing.assert_array_equal(run(again), run(optimizer))


def test_optimizers_can_be_told_apart_and_kept_in_sets():
    first, second = SGD(np.array([0.1, 0.2])), SGD(np.array([0.1, 0.2]))
    assert first != second and len({first, second, first}) == 2


def test_one_network_takes_one_rate_not_one_for_each_parameter():
    with pytest.raises(ValueError, match=r"^learning_rate was of shape \(6,\)"):
        SGD(np.full(6, 0.1)).prepare(np.ones(6), np.ones(6))


def test_numpy_s_numbers_are_numbers_too():
    assert Momentum(np.float32(0.5), momentum=np.float32(0.5)).momentum == 0.5


def test_a_repr_shows_the_settings():
    assert repr(Momentum(0.1)) == "Momentum(learning_rate=0.1, momentum=0.9)"


def test_the_defaults_are_those_of_the_papers():
    assert repr(SGD()) == "SGD(learning_rate=0.01)" and repr(Momentum()) == "Momentum(learning_rate=0.01, momentum=0.9)"
    assert repr(Adam()) == "Adam(learning_rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-08)"
