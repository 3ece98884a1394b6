"""What real days need: v today that quotes leave open, a reference fitted to them, turns that settle, bids and asks, a basis."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from simulated_market import DATES, MARKET, REFERENCE, V0, grid, quoted
from smilebridge import semimartingale
from smilebridge.continuous import CheckpointError
from smilebridge.semimartingale.reference import sampled
from smilebridge.semimartingale.today import MOST, Today

ROOM = 0.02 * V0
LEVELS = (semimartingale.Level(24, 24, (40, 60)),)


def bowl(on, top, height):
    """u with its largest value at v = top."""
    return jnp.broadcast_to(jnp.asarray(-height * (on.v.at - top) ** 2), on.shape)


def test_without_room_u_is_read_at_v0():
    on = grid(24, 24)
    u = jnp.asarray(np.exp(on.x.at)[:, None] * np.cos(3 * on.v.at)[None, :])
    today = Today.of(on, V0)
    assert float(today.value(u)) == pytest.approx(np.cos(3 * V0), abs=1e-4)
    assert float(today.begin(u)) == V0


def test_with_room_v_goes_where_the_cost_is_least():
    """Of -h (v - top)^2 and -((v - v0)/room)^2/2 together."""
    on, height, top = grid(24, 24), 4e4, V0 + 0.5 * ROOM
    today, u = Today.of(on, V0, ROOM), bowl(on, top, height)
    share = 2 * height / (2 * height + 1 / ROOM**2)
    best = V0 + share * (top - V0)
    assert float(today.begin(u)) == pytest.approx(best, abs=1e-9)
    assert float(today.value(u)) == pytest.approx(-height * (best - top) ** 2 - 0.5 * ((best - V0) / ROOM) ** 2, abs=1e-9)


def test_it_stays_within_a_few_rooms():
    on = grid(24, 24)
    assert float(Today.of(on, V0, ROOM).begin(bowl(on, V0 + 50 * ROOM, 1e6))) == pytest.approx(V0 + MOST * ROOM, abs=1e-12)


def test_derivative_is_the_reading_at_the_best_v(key):
    on = grid(24, 24)
    today, u = Today.of(on, V0, ROOM), bowl(on, V0 + 0.3 * ROOM, 3e4)
    along = jax.random.normal(key, on.shape)
    seen = (today.value(u + 1e-4 * along) - today.value(u - 1e-4 * along)) / 2e-4
    assert float((jax.grad(today.value)(u) * along).sum()) == pytest.approx(float(seen), rel=1e-6, abs=1e-8)
    there = Today.of(on, float(today.begin(u)))
    assert float((jax.grad(today.value)(u) * along).sum()) == pytest.approx(float(there.value(along)), rel=1e-3, abs=1e-6)


def test_a_wrong_v0_is_mended_where_there_is_room():
    """The market's own v0 is found again from two per cent beside it, at a fraction of the cost."""
    reference, quotes = semimartingale.HestonReference(REFERENCE), quoted(MARKET)
    wrong = 1.02 * V0
    posed = lambda room: semimartingale.calibrate(reference, quotes, DATES, wrong, levels=LEVELS, room=room, rounds=1)
    held, freed = posed(0.0), posed(0.05 * V0)
    assert held.model.v0 == wrong
    assert abs(freed.model.v0 / V0 - 1) < 0.01
    assert freed.dual < 0.5 * held.dual


def test_no_correction_leaves_what_the_own_grid_found():
    found = semimartingale.calibrate(
        semimartingale.HestonReference(REFERENCE), quoted(MARKET), DATES, V0, levels=LEVELS, rounds=0
    )
    assert len(found.steps) == 1
    assert np.abs(found.own).max() < 3e-4 < np.abs(found.error).max()


def test_bids_and_asks_cost_less_than_mids():
    """Half-spreads of 10 bp of SPX and 100 of VIX volatility; a calibration within them departs less."""
    quotes = quoted(MARKET)
    unit = quotes.units(DATES.T1, DATES.T2, DATES.TV)
    wide = replace(quotes, half=np.r_[1e-3 * unit[:14], 1e-2 * unit[14:-1], 0.0])
    posed = lambda q: semimartingale.calibrate(
        semimartingale.HestonReference(REFERENCE), q, DATES, V0, levels=LEVELS, domain=semimartingale.Domain.of(quotes, DATES, V0)
    )
    mids, within = posed(quotes), posed(wide)
    assert within.met
    assert (np.abs(within.error) * unit <= wide.band(DATES.T1, DATES.T2, DATES.TV) * (1 + 1e-9)).all()
    assert within.dual < 0.9 * mids.dual
    cost = lambda found: float(((found.model.c - found.cbar) ** 2).mean())
    assert cost(within) < cost(mids)


def test_an_affine_reference_of_power_one_half_is_heston_s():
    s, v = 0.2, np.linspace(0.2, 0.6, 7)
    affine = semimartingale.AffineReference(REFERENCE.kappa, REFERENCE.theta, REFERENCE.xi, REFERENCE.rho)
    ours = affine.covariance(s, None, v)
    np.testing.assert_allclose(ours, semimartingale.HestonReference(REFERENCE).covariance(s, None, v), rtol=1e-13)
    w = REFERENCE.variance(v, s)
    np.testing.assert_allclose(ours[0, 0], np.maximum(w, 0.0), atol=1e-15)
    floored = semimartingale.AffineReference(REFERENCE.kappa, REFERENCE.theta, REFERENCE.xi, REFERENCE.rho, 0.5, 0.1)
    assert (floored.covariance(s, None, np.array([0.02]))[0] > 0).all()


def test_a_fit_finds_a_heston_market_again():
    """Power one half and no floor lie at the edge of what is tried; prices tell."""
    market = semimartingale.Heston(kappa=2.0, theta=0.08, xi=0.5, rho=-0.6)
    quotes = quoted(market)
    found = semimartingale.fit(quotes, DATES, V0)
    error = np.abs(semimartingale.mispriced(found, quotes, DATES, V0))
    start = semimartingale.AffineReference(8.0, V0**2, 6.0 * V0, -0.7, 1.0, 0.2)
    before = np.abs(semimartingale.mispriced(start, quotes, DATES, V0))
    assert np.sqrt((error**2).mean()) < 0.1 * np.sqrt((before**2).mean())


def test_turns_end_with_a_cheaper_and_smoother_model():
    quotes = quoted(MARKET)
    first, second = semimartingale.turns(semimartingale.HestonReference(REFERENCE), quotes, DATES, V0, 1, levels=LEVELS)
    assert first.met
    assert second.met
    assert second.dual < 0.1 * first.dual
    rough = lambda found: float(np.abs(np.diff(found.model.c[:, 0], axis=0)).mean())
    assert rough(second) < rough(first)
    assert isinstance(second.reference, semimartingale.SmoothedReference)


def test_rough_turns_are_uncorrected_but_for_the_last():
    told = []
    levels = (semimartingale.Level(16, 16, (24, 24)), *LEVELS)
    turns = semimartingale.turns(
        semimartingale.HestonReference(REFERENCE), quoted(MARKET), DATES, V0, 2, levels=levels, rough=True,
        told=lambda turn, level, *_: told.append((turn, str(level))),
    )  # fmt: skip
    found = list(turns)
    assert [len(one.steps) for one in found[:2]] == [1, 2]
    assert len(found[2].steps) > 2
    assert found[2].met
    assert {turn for turn, _ in told} == {0, 1, 2}
    assert {level for turn, level in told if turn == 0} == {"16 x 16"}


def test_vix_is_read_off_v_less_the_basis():
    on, k = grid(24, 24), np.array([0.2, 0.3])
    plain, moved = on.vix_now(k, 0.29), on.vix_now(k, 0.29, 0.01)
    np.testing.assert_allclose(plain[-1], on.v.at)
    np.testing.assert_allclose(moved[-1], np.sqrt(np.maximum(on.v.at**2 - 0.01, 0.0)))
    far = on.v.at > 0.6
    np.testing.assert_allclose(moved[1, far], moved[-1, far] - 0.3, atol=1e-3)


def test_sampled_covariances_lie_in_the_domain():
    on = grid(24, 24)
    c = sampled(semimartingale.AffineReference(9.0, 0.06, 6.0, -0.9, 1.1, 0.2), on)
    assert c.shape[1:] == (3, 1, 24)
    assert (c[:, 0] >= 0).all()
    assert (c[:, 0] * c[:, 2] - c[:, 1] ** 2 > -1e-12).all()
    assert c[:, [0, 2]].max() <= on.domain.cap * (1 + 1e-12)


def test_cut_off_turns_go_on_to_the_same_weights(tmp_path):
    posed = semimartingale.HestonReference(REFERENCE), quoted(MARKET), DATES, V0
    *_, whole = semimartingale.turns(*posed, 1, levels=LEVELS, rounds=2)
    cut = semimartingale.turns(*posed, 1, levels=LEVELS, rounds=2, checkpoint=tmp_path)
    next(cut)
    again = list(semimartingale.turns(*posed, 1, levels=LEVELS, rounds=2, checkpoint=tmp_path))
    assert len(again) == 1, "the first turn was found before"
    np.testing.assert_array_equal(again[0].theta, whole.theta)
    np.testing.assert_array_equal(again[0].model.c, whole.model.c)
    assert (again[0].dual, again[0].steps, again[0].evaluations) == (whole.dual, whole.steps, whole.evaluations)
    assert [path.name for path in tmp_path.iterdir()] == ["calibration.npz"]
    with pytest.raises(CheckpointError, match="of another problem: outer 1, expected 2"):
        next(semimartingale.turns(*posed, 2, levels=LEVELS, rounds=2, checkpoint=tmp_path))
    other = semimartingale.HestonReference(semimartingale.Heston(1.0, 0.04, 0.6, -0.3))
    with pytest.raises(CheckpointError, match="reference Heston"):
        next(semimartingale.turns(other, *posed[1:], 1, levels=LEVELS, rounds=2, checkpoint=tmp_path))


@pytest.mark.parametrize(
    ("v0", "options", "said"),
    [
        (0.0, {}, "need v0 > 0"),
        (np.nan, {}, "need v0 > 0"),
        (V0, {"room": -1.0}, "room >= 0"),
        (V0, {"levels": ()}, "at least one level"),
        (V0, {"room": 0.5 * V0}, "leaves the domain's v"),
        (9.0, {"domain": semimartingale.Domain.of(quoted(MARKET), DATES, V0)}, "v0 9.0000"),
    ],
)
def test_a_start_that_cannot_be_is_refused(v0, options, said):
    with pytest.raises(ValueError, match=said):
        semimartingale.calibrate(semimartingale.HestonReference(REFERENCE), quoted(MARKET), DATES, v0, **{"levels": LEVELS} | options)


def test_a_domain_too_narrow_for_the_variance_is_widened_and_remembered(tmp_path, monkeypatch):
    """Not the climbs: what is asked for, where v today is cornered until volatility may reach so far."""
    quotes, seen = quoted(MARKET), []
    posed = semimartingale.HestonReference(REFERENCE), quotes, DATES, V0
    first = semimartingale.Domain.of(quotes, DATES, V0)
    found = semimartingale.calibrate(*posed, levels=LEVELS, rounds=0, max_steps=1)

    def calibrated(*_, domain, **__):
        seen.append(domain)
        if len(seen) > 4:
            raise KeyboardInterrupt
        return replace(found, today=(V0, 1e-9 if domain.high < 2 * first.high else 0.0), model=replace(found.model, v0=1.1 * V0))

    monkeypatch.setattr(semimartingale.outer, "calibrate", calibrated)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            list(semimartingale.turns(*posed, 3, levels=LEVELS, room=ROOM, checkpoint=tmp_path))
    assert [domain.high / first.high for domain in seen] == pytest.approx([1, 1.6, 2.56, 2.56, 2.56, 2.56])
    wide = seen[-1]
    assert wide == seen[2]
    assert wide.cap == pytest.approx(first.cap * 2.56**2)
    assert wide.x > first.x
    assert (wide.low, wide.crowd) == (first.low, first.crowd)


def test_without_room_nothing_is_cornered():
    found = semimartingale.calibrate(semimartingale.HestonReference(REFERENCE), quoted(MARKET), DATES, V0, levels=LEVELS, rounds=0)
    assert not found.cornered
    assert not found.refuted
    at = lambda rooms: replace(found, today=(V0, ROOM), model=replace(found.model, v0=V0 + rooms * ROOM))
    assert [at(rooms).cornered for rooms in (-MOST, -2.9, 0.0, 2.9, MOST)] == [True, False, False, False, True]


def test_quotes_that_no_diffusion_meets_are_refuted_by_the_dual():
    """A call at T2 below its price at T1 is a calendar arbitrage: the dual has no upper bound."""
    quotes = quoted(MARKET)
    unfair = replace(quotes, price2=0.7 * quotes.price1)
    found = semimartingale.calibrate(semimartingale.HestonReference(REFERENCE), unfair, DATES, V0, levels=LEVELS, rounds=0)
    assert found.refuted
    assert not found.met
    assert np.isfinite(found.error).all()


def test_a_constant_reference_is_heston_s_of_today():
    posed = semimartingale.Posed.of_experiment(semimartingale.PUBLISHED, "constant")
    heston = semimartingale.Posed.of_experiment(semimartingale.PUBLISHED)
    today = np.array([posed.v0])
    theirs = heston.reference.covariance(posed.dates.T2, 0.0, today)
    np.testing.assert_allclose(posed.reference.covariance(0.01, 0.0, today), theirs, rtol=1e-12)
    with pytest.raises(ValueError, match="reference 'flat': need heston or constant"):
        semimartingale.Posed.of_experiment(semimartingale.PUBLISHED, "flat")
