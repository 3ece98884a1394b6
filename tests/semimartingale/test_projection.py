"""The nearest admissible covariance against a search over frames, and the conjugate's derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from smilebridge.semimartingale.projection import inner, maximiser, nearest

CAP = 0.7
N = 10_000
GOLDEN = (np.sqrt(5) - 1) / 2


@pytest.fixture(scope="module")
def matrices():
    """Symmetric ones, many of them outside: (m11, m12, m22)."""
    return np.random.default_rng(7).normal(scale=0.5, size=(3, N))


def distance(m, angle):
    """Square of the least distance among covariances with axes turned by an angle, and that covariance."""
    c, s = np.cos(angle), np.sin(angle)
    along = c**2 * m[0] + 2 * c * s * m[1] + s**2 * m[2]
    across = s**2 * m[0] - 2 * c * s * m[1] + c**2 * m[2]
    first, second = np.clip(along, 0, CAP), np.clip(across, 0, CAP)
    found = np.stack([c**2 * first + s**2 * second, c * s * (first - second), s**2 * first + c**2 * second])
    off = found - m
    return off[0] ** 2 + 2 * off[1] ** 2 + off[2] ** 2, found


def searched(m):
    """The best of all angles: the best of a fan, then golden sections."""
    fan = np.linspace(0, np.pi / 2, 65)
    best = fan[np.argmin([distance(m, angle)[0] for angle in fan], axis=0)]
    low, high = best - fan[1], best + fan[1]
    for _ in range(60):
        a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        left = distance(m, a)[0] < distance(m, b)[0]
        low, high = np.where(left, low, a), np.where(left, b, high)
    return distance(m, 0.5 * (low + high))


def test_projection_is_as_near_as_any_search_finds(matrices):
    found = np.asarray(nearest(jnp.asarray(matrices), CAP))
    off = found - matrices
    least, at = searched(matrices)
    np.testing.assert_allclose(off[0] ** 2 + 2 * off[1] ** 2 + off[2] ** 2, least, atol=1e-12)
    np.testing.assert_allclose(found, at, atol=1e-6)


def test_projection_is_admissible_and_keeps_what_is(matrices):
    found = nearest(jnp.asarray(matrices), CAP)
    eigenvalues = np.linalg.eigvalsh(np.moveaxis(np.asarray(found)[[0, 1, 1, 2]].reshape(2, 2, N), -1, 0))
    assert eigenvalues.min() > -1e-15
    assert eigenvalues.max() < CAP + 1e-15
    np.testing.assert_allclose(nearest(found, CAP), found, atol=1e-15)
    multiple = jnp.array([[0.3], [0.0], [0.3]])
    np.testing.assert_array_equal(nearest(multiple, CAP), multiple)


def test_supremum_has_the_maximiser_for_a_derivative(matrices):
    cbar = jnp.asarray(np.asarray(nearest(jnp.asarray(matrices[:, ::-1]), CAP)).reshape(3, N // 4, 4))
    B, edge, floor = jnp.asarray(matrices).reshape(3, N // 4, 4), jnp.array([-1, 0, 0, 1]), jnp.array([0.1, 0.2, 0.3, 0.6])
    best = lambda B: maximiser(B, cbar, edge, (CAP, floor))

    def supremum(B):
        c = best(B)
        return (inner(B, c) - inner(c - cbar, c - cbar)).sum()

    slope = jax.grad(supremum)(B) / jnp.array([1.0, 2.0, 1.0])[:, None, None]
    np.testing.assert_allclose(slope, best(B), atol=1e-9)


def test_at_the_edges_the_vix_turns_inwards(matrices):
    m = jnp.asarray(matrices).reshape(3, N // 4, 4)
    floor = jnp.array([0.1, 0.2, 0.3, 0.6])
    c = maximiser(m, jnp.zeros_like(m), jnp.array([-1, 0, 0, 1]), (CAP, floor))
    assert (c[1:, :, [0, 3]] == 0).all()
    assert (c[0, :, 0] <= 0.1).all()
    assert (c[0, :, 3] >= 0.6).all()
