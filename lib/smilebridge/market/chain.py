"""`load`: a file, a folder or a name becomes a snapshot."""

from datetime import date
from pathlib import Path

import pandas as pd

from . import clean
from .embedded import EMBEDDED, embedded
from .formats import rows_of
from .parity import with_forwards
from .quotes import QuoteError, Smile, Snapshot
from .rows import SERIES, rejections, settled
from .synthetic import SYNTHETIC, synthetic
from .tables import as_day, files, table


def load(chain, *, day: date | str | None = None) -> Snapshot:
    """One day of quotes, cleaned, with a ledger of what was set aside.

    chain      a file (.csv, .csv.gz, .parquet), a folder of such files, or a name: "2023-02-15", "calm", "normal", "stressed"
    day        which day, where the files hold several
    raises     QuoteError naming the file, row or quote
    see        formats.py for the formats, clean.RULES for the rules
    """
    day = as_day(day)
    path = Path(chain)
    if not _exists(path):
        return _named(str(chain), day)
    parts, notes = [], []
    for file in files(path):
        rows, said = rows_of(table(file), file, day)
        parts.append(rows)
        notes += said
    rows = pd.concat(parts, ignore_index=True)
    return assemble(_one_day(rows, day, path), source=", ".join(file.name for file in files(path)), notes=tuple(notes))


def _exists(path):
    try:
        return path.exists()
    except (OSError, ValueError):  # names too long, NUL inside
        return False


def _named(name, day):
    if name in EMBEDDED:
        found = embedded(name)
    elif name in SYNTHETIC:
        found = synthetic(name)
    else:
        raise QuoteError(name, f"neither a file, nor a folder, nor one of {', '.join((*EMBEDDED, *SYNTHETIC))}")
    if day not in (None, found.day):
        raise QuoteError(name, f"is of {found.day}, not of {day}")
    return found


def _one_day(rows, day, path):
    days = sorted(set(rows["day"]))
    if day is not None and day not in days:
        raise QuoteError(path.name, f"no quotes of {day}; days in it: {_few(days)}")
    if day is None and len(days) > 1:
        raise QuoteError(path.name, f"holds {len(days)} days ({_few(days)}): choose one with day=")
    return rows if len(days) == 1 else rows[rows["day"] == day].reset_index(drop=True)


def _few(days):
    shown = [d.isoformat() for d in days]
    return ", ".join(shown if len(shown) <= 6 else [*shown[:3], "...", *shown[-2:]])


def assemble(rows: pd.DataFrame, *, source: str, notes: tuple[str, ...]) -> Snapshot:
    """Snapshot of one day's rows (see rows.py): clean, find forwards, price, check convexity.

    Every row becomes a retained quote of a smile or a line of the ledger.
    """
    inferred = ((rows["settlement"] == "") & (rows["rule"] == "") & (rows["market"] == "SPX")).any()
    rows = clean.faults(settled(rows))
    _some_alive(rows)
    rows, by_parity = with_forwards(rows)
    rows = clean.convex(clean.priced(clean.scale(clean.sides(rows))))
    groups = dict(iter(rows.groupby(SERIES, sort=True)))
    alive = {name: group for name, group in groups.items() if (group["rule"] == "").any()}
    if not alive:
        raise QuoteError(rows["file"].iloc[0], f"no expiry with three two-sided quotes: {_why(rows)}")
    smiles = {market: tuple(_smile(*item) for item in alive.items() if item[0][0] == market) for market in ("SPX", "VIX")}
    lost = [line for name, group in groups.items() if name not in alive for line in rejections(group)]
    said = (*notes, *_settlements(smiles, inferred), *by_parity)
    return Snapshot(rows["day"].iloc[0], source, smiles["SPX"], smiles["VIX"], said, tuple(lost))


def _some_alive(rows):
    """QuoteError where not a single quote is left: expiries before the quote date, other roots."""
    if (rows["rule"] != "").all():
        raise QuoteError(rows["file"].iloc[0], f"no usable quote: {_why(rows)}")


def _why(rows):
    counts = rows["rule"].value_counts()
    first = rows[rows["rule"] != ""].iloc[0]
    return ", ".join(f"{rule} {n}" for rule, n in counts.items()) + f"; first: {first['where']}, {first['rule']}: {first['detail']}"


def _smile(name, group):
    kept = group[group["rule"] == ""].sort_values("strike")
    first = kept.iloc[0]
    columns = (kept[column].to_numpy() for column in ("strike", "bid_iv", "ask_iv", "bid_otm", "ask_otm"))
    return Smile(*name, float(first["years"]), float(first["forward"]), float(first["discount"]), *columns, rejections(group))


def _settlements(smiles, inferred):
    how = "; inferred from the dates: third Fridays am, others pm" if inferred else ""
    morning = sum(smile.settlement == "am" for smile in smiles["SPX"])
    if smiles["SPX"]:
        yield f"SPX: {morning} expiries settle in the morning (am), {len(smiles['SPX']) - morning} at the close (pm){how}"
    if smiles["VIX"]:
        yield f"VIX: {len(smiles['VIX'])} expiries, all settle in the morning (am)"
