"""Good chains with known forwards, discounts and implied vols, in each of the four formats, for tests to read or to spoil."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr

DAY = date(2023, 2, 15)
RATE, DRIFT, SPOT = 0.047, 0.03, 4147.6
SERIES = (  # market, expiry, settlement, root
    ("SPX", date(2023, 3, 15), "pm", "SPXW"),
    ("SPX", date(2023, 3, 17), "am", "SPX"),
    ("SPX", date(2023, 3, 24), "pm", "SPXW"),
    ("SPX", date(2023, 4, 14), "pm", "SPXW"),
    ("VIX", date(2023, 3, 15), "am", "VIX"),
)


def years(expiry):
    return (expiry - DAY).days / 365.0


def forward(market, expiry):
    return SPOT * np.exp(DRIFT * years(expiry)) if market == "SPX" else 20.47


def discount(expiry):
    return float(np.exp(-RATE * years(expiry)))


def strikes(market):
    return np.arange(3000.0, 4901.0, 50.0) if market == "SPX" else np.r_[np.arange(14.0, 30.0), np.arange(30.0, 61.0, 5.0)]


def vol(market, expiry, strike):
    """Mid implied vol: a hyperbola in log strike, free of butterflies for these wings."""
    x = np.log(strike / forward(market, expiry))
    if market == "VIX":
        return 0.85 + 0.45 * (x + np.sqrt(x**2 + 0.04))
    z = x / np.sqrt(years(expiry))
    return 0.12 + 0.09 * (-0.8 * z + np.sqrt(z**2 + 0.12))


def black(strike, level, stdev, call):
    """Undiscounted Black-76 price by scipy, in points."""
    d1 = np.log(level / strike) / stdev + 0.5 * stdev
    sign = np.where(call, 1.0, -1.0)
    return sign * (level * ndtr(sign * d1) - strike * ndtr(sign * (d1 - stdev)))


def half_spread(market, expiry, strike):
    """Half of the bid-ask, vols."""
    return 0.01 * vol(market, expiry, strike) + (0.001 if market == "SPX" else 0.01)


def vol_table(market="SPX", *, days_a_year=365.25):
    """Implied-vol table of one market, Texp in calendar days over `days_a_year`."""
    parts = []
    for name, expiry, _, _ in SERIES:
        if name == market:
            k, t = strikes(market), (expiry - DAY).days / days_a_year
            mid, half = vol(market, expiry, k), half_spread(market, expiry, k)
            stretch = np.sqrt(years(expiry) / t)
            part = pd.DataFrame({"Expiry": expiry.strftime("%Y%m%d"), "Texp": t, "Strike": k, "Bid": (mid - half) * stretch})
            mid_call = black(k, forward(market, expiry), mid * np.sqrt(years(expiry)), True)
            parts.append(part.assign(Ask=(mid + half) * stretch, Fwd=forward(market, expiry), CallMid=mid_call))
    return pd.concat(parts, ignore_index=True)


def premiums(*, tick=0.0):
    """Calls and puts of all series in points: columns market, root, expiry, settlement, strike, right, bid, ask."""
    parts = []
    for market, expiry, settlement, root in SERIES:
        for right in "CP":
            k = strikes(market)
            mid, half, scale = vol(market, expiry, k), half_spread(market, expiry, k), np.sqrt(years(expiry))
            one = {"market": market, "root": root, "expiry": expiry, "settlement": settlement, "strike": k, "right": right}
            bid, ask = (discount(expiry) * black(k, forward(market, expiry), v * scale, right == "C") for v in (mid - half, mid + half))
            if tick:
                bid, ask = np.floor(bid / tick) * tick, np.ceil(ask / tick + 1e-9) * tick
            parts.append(pd.DataFrame(one | {"bid": bid.round(10), "ask": ask.round(10)}))
    return pd.concat(parts, ignore_index=True)


def datashop(*, tick=0.0):
    p = premiums(tick=tick)
    head = {"underlying_symbol": "^" + p["market"], "quote_date": DAY.isoformat(), "root": p["root"], "expiration": p["expiry"].astype(str)}
    quotes = {"bid_1545": p["bid"], "ask_1545": p["ask"], "bid_eod": p["bid"] * 0.9, "ask_eod": p["ask"] * 1.1}
    return pd.DataFrame(head | {"strike": p["strike"], "option_type": p["right"]} | quotes)


def optionmetrics(*, tick=0.0):
    p = premiums(tick=tick)
    secid = p["market"].map({"SPX": 108105, "VIX": 117801})
    head = {"secid": secid, "date": DAY.isoformat(), "exdate": p["expiry"].astype(str), "cp_flag": p["right"]}
    strike = (p["strike"] * 1000).astype(int)
    return pd.DataFrame(head | {"strike_price": strike, "best_bid": p["bid"], "best_offer": p["ask"]})


def plain():
    parts = []
    for market, expiry, settlement, _ in SERIES:
        k = strikes(market)
        mid, half = vol(market, expiry, k), half_spread(market, expiry, k)
        head = {"day": DAY.isoformat(), "market": market, "expiry": expiry.isoformat(), "settlement": settlement, "years": years(expiry)}
        part = head | {"forward": forward(market, expiry), "discount": discount(expiry)}
        part |= {"strike": k, "bid_iv": mid - half, "ask_iv": mid + half}
        parts.append(pd.DataFrame(part))
    return pd.concat(parts, ignore_index=True)


FORMATS = {"vol_table": vol_table, "datashop": datashop, "optionmetrics": optionmetrics, "plain": plain}
NAMES = {"vol_table": "spx_20230215.csv", "datashop": "cboe.csv", "optionmetrics": "om.csv", "plain": "plain.csv"}


def write(table: pd.DataFrame, path: Path) -> Path:
    """The table as csv, csv.gz or parquet, by the name."""
    if path.name.endswith(".parquet"):
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False)
    return path
