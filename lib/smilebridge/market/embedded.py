"""Real days inside the project: not their quotes, which are not ours to ship, but our fits to them, turned back into quotes.

`shipped/DAY_laws.csv` holds the lognormal mixtures that `marginals` fitted to the raw smiles, `shipped/DAY_fits.csv` one line per smile
with the range of quoted strikes and the errors of the fit against the raw quotes. `make reference` renews both.
"""

from datetime import date
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from .black import black_otm, on_host
from .quotes import Snapshot
from .spreads import quoted_smile, spx_ladder, vix_ladder

EMBEDDED = ("2023-02-15",)


def shipped_table(day: str, kind: str) -> pd.DataFrame:
    """The shipped table "laws" or "fits" of an embedded day; numbers keep every digit."""
    table = pd.read_csv(files(__package__).joinpath("shipped", f"{day}_{kind}.csv"), dtype=str)
    words = ["market", "expiry", "settlement"]
    return table.astype({column: float for column in table.columns if column not in words})


@cache
def embedded(day: str) -> Snapshot:
    """The embedded day: our fitted laws quoted on our own ladder of strikes, within the range of strikes that had two-sided quotes.

    Bid and ask are the law's price plus and minus the spread rule of `spreads.half_spread`, rounded outwards to ticks.
    """
    fits, laws = shipped_table(day, "fits"), shipped_table(day, "laws")
    smiles = [_smile(fit, laws[(laws.market == fit.market) & (laws.expiry == fit.expiry)], day) for fit in fits.itertuples()]
    notes = (
        f"reconstructed from our fits of {day}: prices of fitted laws on our own ladder of strikes, not the day's raw quotes",
        "spreads by rule (spreads.half_spread), rounded outwards to ticks",
        "errors of the fits against the raw quotes: marginals.shipped.fits()",
    )
    spx, vix = (tuple(smile for smile in smiles if smile.market == market) for market in ("SPX", "VIX"))
    return Snapshot(date.fromisoformat(day), f"embedded market {day}, reconstructed from fits", spx, vix, notes)


def _smile(fit, law, day):
    strikes = vix_ladder() if fit.market == "VIX" else spx_ladder(fit.forward)
    priced = (strikes >= fit.lowest_strike) & (strikes <= fit.highest_strike)
    otm = np.where(priced, _otm(strikes / fit.forward, law), 0.0)
    expiry = date.fromisoformat(fit.expiry)
    return quoted_smile(fit.market, expiry, fit.settlement, fit.years, fit.forward, fit.discount, strikes, otm, source=f"embedded {day}")[0]


def _otm(k, law):
    """Out-of-the-money price per forward under the mixture: sum of the components' prices, in or out of the money."""
    means, widths, weights = (law[column].to_numpy() for column in ("mean", "width", "weight"))
    ratio, width = np.broadcast_arrays(k[:, None] / means, widths)
    intrinsic = np.where(k[:, None] < 1, np.maximum(k[:, None] - means, 0), np.maximum(means - k[:, None], 0))
    return (means * on_host(black_otm, ratio.ravel(), width.ravel()).reshape(ratio.shape) + intrinsic) @ weights
