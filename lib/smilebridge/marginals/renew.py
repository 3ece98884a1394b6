"""The tables behind the embedded markets: fits of real days, renewed where the raw quotes lie beside the project.

`make reference` calls `renew`; it refits every smile of the shipped triples and rewrites the tables, or leaves them as they are where
the raw folder is absent.
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from ..market import load, select, vix_index
from .laws import smile_fit
from .smooth import fit_smile

RAW = Path(__file__).resolve().parents[4] / "shared" / "data"
TABLES = Path(__file__).resolve().parents[1] / "market" / "shipped"
VIX_EXPIRIES = {"2023-02-15": ("2023-02-22", "2023-03-01", "2023-03-15", "2023-03-22", "2023-04-19")}


def renew(day: str, folder: Path = RAW) -> bool:
    """Refit the raw day in `folder` and rewrite its tables; False where it is absent."""
    if not (folder / day).is_dir():
        return False
    snapshot = load(folder / day)
    triples = [select(snapshot, expiry) for expiry in VIX_EXPIRIES[day]]
    smiles = sorted({s for t in triples for s in (t.spx1, t.vix, t.spx2)}, key=lambda s: (s.market, s.expiry))
    results = [(smile, fit_smile(smile, name=smile.market).law) for smile in smiles]
    index = vix_index(snapshot).value
    write(pd.DataFrame([_line(smile, law, index) for smile, law in results]), TABLES / f"{day}_fits.csv")
    write(pd.concat([_components(smile, law) for smile, law in results]), TABLES / f"{day}_laws.csv")
    return True


def write(table: pd.DataFrame, path: Path):
    """Write a table whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    trial = path.with_suffix(".tmp")
    table.to_csv(trial, index=False, lineterminator="\n")
    os.replace(trial, path)


def _line(smile, law, index):
    fit = smile_fit(law, smile, smile.market)
    return {
        "market": smile.market,
        "expiry": smile.expiry,
        "settlement": smile.settlement,
        "years": smile.years,
        "forward": smile.forward,
        "discount": smile.discount,
        "quotes": fit.quotes,
        "rejected": fit.rejected,
        "inside": fit.inside,
        "worst_miss_bp": fit.worst_miss_bp,
        "worst_error_half_spreads": fit.worst_error,
        "lowest_strike": smile.strikes[0],
        "highest_strike": smile.strikes[-1],
        "vix_index": index,
    }


def _components(smile, law):
    """Rows (market, expiry, mean per forward, width, weight); a component below 1e-16 of the mass is left out."""
    kept = np.asarray(law.weights) > 1e-16
    columns = {name: np.asarray(values)[kept] for name, values in (("mean", law.means), ("width", law.widths), ("weight", law.weights))}
    return pd.DataFrame({"market": smile.market, "expiry": smile.expiry, **columns})
