"""Pictures of a joint law show what it says: quotes inside the band, promises kept, deciles that add up, the truth at zero."""

from types import SimpleNamespace

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest

from smilebridge import figures
from smilebridge.figures.freedom import STRIKES, local_vix_by_decile


def test_residuals_are_drawn_where_there_is_mass(law):
    seen = np.asarray(law.mass()) > 1e-12
    axes = figures.residual_maps(plt.subplots(1, 2)[1], law, dict.fromkeys(("martingale", "dispersion"), jnp.full(seen.shape, 1e-13)))
    drawn = axes[0].collections[0].get_array()
    assert np.array_equal(np.ma.getmaskarray(drawn).reshape(seen.T.shape), ~seen.T)
    assert np.allclose(drawn.compressed(), -13)


def test_deciles_of_local_vix_share_out_the_second_moment(law):
    _, pV, _ = law.marginals()
    assert np.mean(local_vix_by_decile(law) ** 2) == pytest.approx(float(pV @ law.v ** 2), rel=1e-9)


def test_the_laws_own_prices_are_the_zero_line(law):
    k = jnp.array(STRIKES)
    value = SimpleNamespace(forward_start=np.asarray(law.forward_start(k)), local_vix2=local_vix_by_decile(law) ** 2)
    axes = figures.against_truth(plt.subplots(2, 1)[1], {"papers": law}, SimpleNamespace(value=value), title="own")
    assert np.abs(axes[0].lines[-1].get_ydata()).max() < 1e-6
    assert np.allclose(axes[1].lines[0].get_ydata(), axes[1].lines[1].get_ydata())


def test_dials_share_one_scale_and_mark_the_value_in_use():
    panels = {"nodes": {(2, 3, 4): 0.2}, "reference": {"papers": 0.2, "both": 0.21}}
    axes = figures.dials(plt.subplots(1, 2, sharey=True)[1], panels, used=0.2)
    assert [label.get_text() for label in axes[0].get_xticklabels()] == ["2×3×4"]
    assert axes[1].get_ylim() == axes[0].get_ylim()
    assert np.allclose(axes[1].lines[1].get_ydata(), [20.0, 21.0])


def test_forward_starts_keep_one_ink_a_reference(law):
    k = jnp.linspace(0.9, 1.1, 5)
    ax = figures.forward_starts(plt.subplots()[1], k, {"both": law})
    assert ax.lines[0].get_color() == figures.INK["muV"]
    assert np.allclose(ax.lines[0].get_ydata(), 100 * law.forward_start_iv(k))


def test_deltas_are_symmetric_about_zero(law):
    axes = figures.delta_maps(plt.subplots(1, 2)[1], law)
    for ax in axes:
        low, high = ax.collections[0].get_clim()
        assert low == -high
