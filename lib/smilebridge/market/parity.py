"""Forwards and discounts from put-call parity, C - P = D (F - K), by robust regression over the strikes near the money."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .quotes import QuoteError
from .rows import SERIES, level

DISCOUNTS = (0.5, 1.1)  # outside: strikes and premiums are not in one unit, or the regression failed
WINDOW = {"SPX": 0.10, "VIX": 0.50}  # |K/K* - 1| of the strikes used, K* where C - P is smallest
MIN_PAIRS, MAX_PAIRS = 3, 120  # for a slope; for the median of pairwise slopes
LEAST_NEAR = 12  # strikes taken even where the window holds fewer
OUTLIER = 5.0  # robust standard deviations


@dataclass(frozen=True, slots=True)
class Parity:
    """What put-call parity says about one series.

    discount   D; NaN where the pairs do not tell
    forward    F in points; NaN where there is no pair
    residual   median absolute residual of C - P, points
    pairs, outliers  strikes used and strikes left out of the last fit
    """

    discount: float
    forward: float
    residual: float
    pairs: int
    outliers: int = 0


def regress(strikes, gap, width, *, window, discount=None) -> Parity:
    """Weighted least squares of gap = D (F - K) near the money, repeated without outliers from a median start.

    strikes    (n,) points
    gap        (n,) mid of call minus mid of put, points
    width      (n,) sum of the two spreads, points: the weight is 1/width
    discount   D where it is known, then only F is fitted
    """
    if not len(strikes):
        return Parity(np.nan, np.nan, np.nan, 0)
    near = _near_the_money(strikes, gap, window)
    k, y, w = strikes[near], gap[near], 1.0 / np.maximum(width[near], 1e-6 * strikes[near])
    centre = k[np.argmin(np.abs(y))]
    x = k - centre
    slope = -discount if discount else (_median_slope(x, y) if len(k) >= MIN_PAIRS else np.nan)
    if not np.isfinite(slope) or slope == 0:
        return Parity(np.nan, np.nan, np.nan, len(k))
    level, keep = np.median(y - slope * x), np.ones(len(k), dtype=bool)
    for _ in range(10):
        residual = (y - level - slope * x) * w
        scale = max(1.4826 * np.median(np.abs(residual)), 1e-9 * np.median(np.abs(w * centre)))
        keep = np.abs(residual) <= OUTLIER * scale
        level, slope = _line(x[keep], y[keep], w[keep], slope if discount else None)
    forward = centre - level / slope if slope else np.nan
    return Parity(-slope, forward, float(np.median(np.abs(y - level - slope * x))), len(k), int((~keep).sum()))


def _near_the_money(strikes, gap, window):
    """Indices of the strikes within `window` of the one where call and put cost the same; at most `MAX_PAIRS`."""
    distance = np.abs(strikes / strikes[np.argmin(np.abs(gap))] - 1.0)
    nearest = np.argsort(distance, kind="stable")
    return nearest[: min(MAX_PAIRS, max(LEAST_NEAR, int((distance <= window).sum())))]


def _median_slope(x, y):
    i, j = np.triu_indices(len(x), 1)
    return np.median((y[j] - y[i]) / (x[j] - x[i]))


def _line(x, y, w, slope):
    """Level and slope of the weighted least-squares line; the slope is kept where it is given or cannot be told."""
    w2 = w * w / np.sum(w * w)
    mean_x, mean_y = w2 @ x, w2 @ y
    spread = w2 @ (x - mean_x) ** 2
    if slope is None:
        slope = (w2 @ ((x - mean_x) * (y - mean_y))) / spread if spread > 0 else np.nan
    return mean_y - slope * mean_x, slope


def with_forwards(rows: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Rows with forward and discount of every series: the file's own, else by parity; series without either get the rule `no_forward`.

    Discounts that parity cannot tell (too few pairs, out of range) and those of VIX series beside SPX ones come from the SPX rates.
    """
    live = rows[(rows["rule"] == "") & (rows["unit"] == "points")]
    if not len(live):
        return rows, ()
    series = dict(iter(live.groupby(SERIES, sort=True)))
    pairs = {name: _pairs(group) for name, group in series.items()}
    fits = {name: regress(*pair, window=WINDOW[name[0]]) for name, pair in pairs.items()}
    years = {name: float(group["years"].iloc[0]) for name, group in series.items()}
    for market in ("SPX", "VIX"):
        _one_unit(market, [fit for name, fit in fits.items() if name[0] == market], live)
    rates = {market: _rates(fits, years, market) for market in ("SPX", "VIX")}
    borrowed = [name for name, fit in fits.items() if _borrows(name[0], fit, rates)]
    for name in borrowed:
        discount = _from_rates(years[name], rates["SPX"] or rates["VIX"])
        fits[name] = regress(*pairs[name], window=WINDOW[name[0]], discount=discount)
    notes = tuple(note for market in ("SPX", "VIX") for note in _notes(market, fits, borrowed))
    return _filled(rows, {name: _given(fit, series[name]) for name, fit in fits.items()}), notes


def _given(fit, group):
    """The fit with the file's own forward in place of its own, where the file gives one."""
    forward = group["forward"].dropna()
    return fit if forward.empty else replace(fit, forward=float(forward.iloc[0]))


def _rates(fits, years, market):
    """[(years, discount)] of the market's series whose discount parity tells."""
    return sorted((years[name], fit.discount) for name, fit in fits.items() if name[0] == market and _in_range(fit.discount))


def _borrows(market, fit, rates):
    """VIX strikes span too little for a good discount, so SPX rates go first; SPX series borrow only what parity cannot tell."""
    if market == "VIX" and rates["SPX"]:
        return True
    return bool(rates["SPX"] or rates["VIX"]) and not _in_range(fit.discount)


def _pairs(group):
    """Strikes at which call and put are both two-sided: (K, C - P at mid, sum of spreads)."""
    sound = group[(group["bid"] > 0) & (group["ask"] >= group["bid"])].assign(
        mid=lambda g: 0.5 * (g["bid"] + g["ask"]), width=lambda g: g["ask"] - g["bid"]
    )
    both = sound[sound["right"] == "C"].merge(sound[sound["right"] == "P"], on="strike", suffixes=("_c", "_p")).sort_values("strike")
    gap, width = both["mid_c"] - both["mid_p"], both["width_c"] + both["width_p"]
    return both["strike"].to_numpy(), gap.to_numpy(), width.to_numpy()


def _in_range(discount):
    return DISCOUNTS[0] < discount <= DISCOUNTS[1]


def _one_unit(market, fits, live):
    """QuoteError where parity gives most series an impossible discount."""
    discounts = [fit.discount for fit in fits if np.isfinite(fit.discount)]
    if discounts and not _in_range(np.median(discounts)):
        file = live.loc[live["market"] == market, "file"].iloc[0]
        found = f"{market} discount by put-call parity is {np.median(discounts):.4g}, outside {DISCOUNTS}"
        raise QuoteError(file, f"{found}: strikes and premiums in one unit needed")


def _from_rates(years, known):
    """Discount at `years` by linear interpolation of the zero rates of `known` [(years, discount)], flat beyond the ends."""
    known_years, discounts = np.array(known).T
    return float(np.exp(-years * np.interp(years, known_years, -np.log(discounts) / known_years)))


def _filled(rows, fits):
    """Forward and discount written to the rows; series without them ruled out, levels checked."""
    names = list(zip(*(rows[column] for column in SERIES), strict=True))
    points = (rows["unit"] == "points").to_numpy()
    unknown = Parity(np.nan, np.nan, np.nan, 0)
    found = [fits.get(name, unknown) for name in names]
    forward = np.where(points, [fit.forward for fit in found], rows["forward"])
    discount = np.where(points, [fit.discount for fit in found], rows["discount"])
    rows = rows.assign(forward=forward, discount=discount)
    usable = np.isfinite(forward) & (discount > DISCOUNTS[0]) & (discount <= DISCOUNTS[1])
    for name, fit in fits.items():
        if np.isfinite(fit.forward) and _in_range(fit.discount):
            level(name[0], fit.forward, f"{name[0]} {name[1]} {name[2]}")
    lost = points & (rows["rule"] == "").to_numpy() & ~usable
    pairs = np.array([fit.pairs for fit in found])
    detail = [f"{n} strikes with call and put two-sided; no forward by put-call parity" for n in pairs[lost]]
    rows.loc[lost, "rule"], rows.loc[lost, "detail"] = "no_forward", detail
    return rows


def _notes(market, fits, borrowed):
    good = [fit for name, fit in fits.items() if name[0] == market and np.isfinite(fit.forward)]
    if not good:
        return ()
    pairs, worst = [fit.pairs for fit in good], max(fit.residual for fit in good)
    strikes = f"{len(good)} series, {min(pairs)} to {max(pairs)} strikes, {sum(fit.outliers for fit in good)} outliers"
    loans = sum(name[0] == market for name in borrowed)
    rates = f"; {loans} discounts interpolated from other series" if loans else ""
    return (f"{market} forwards by put-call parity: {strikes}, median residual up to {worst:.3g} points{rates}",)
