"""Files as tables of text, cell by cell into numbers and dates: no cell is lost or guessed at, and every fault names its row."""

import gzip
import io
import re
import warnings
import zlib
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from .quotes import QuoteError

SUFFIXES = (".csv", ".csv.gz", ".parquet")
BLANK = ("", "nan", "na", "n/a", "null", "none", "<na>", "nat")
DATE = re.compile(r"(\d{4})(-?)(\d{2})\2(\d{2})([ T]\d{2}:\d{2}.*)?")


def files(chain: Path) -> tuple[Path, ...]:
    """The quote files of a chain: itself, or those in the folder."""
    if chain.is_file():
        if not chain.name.lower().endswith(SUFFIXES):
            raise QuoteError(chain.name, f"a quote file ends in {', '.join(SUFFIXES)}")
        return (chain,)
    found = tuple(sorted(p for p in chain.iterdir() if p.is_file() and p.name.lower().endswith(SUFFIXES)))
    if not found:
        raise QuoteError(chain.name or chain, f"the folder holds no {', '.join(SUFFIXES)} file")
    return found


def table(path: Path) -> pd.DataFrame:
    """The file as a table: lower-case column names; index = line of the file (csv) or number of the record (parquet, from 1).

    raises     QuoteError where the file cannot be read, is cut short, or has no rows
    """
    found = _parquet(path) if path.name.lower().endswith(".parquet") else _csv(path)
    found.columns = [str(name).strip().lower() for name in found.columns]
    twice = sorted(set(found.columns[found.columns.duplicated()]))
    if twice:
        raise QuoteError(path.name, f"columns named twice: {', '.join(twice)}")
    if not len(found):
        raise QuoteError(path.name, "no rows below the header")
    return found


def _parquet(path):
    try:
        found = pd.read_parquet(path)
    except Exception as error:  # pyarrow, pandas and the file system each raise their own
        raise QuoteError(path.name, f"cannot be read as parquet ({_first_line(error)})") from None
    return found.set_axis(np.arange(1, len(found) + 1), axis=0)


def _csv(path):
    text = _text(path)
    if not text.strip():
        raise QuoteError(path.name, "the file is empty")
    if "\0" in text:
        raise QuoteError(path.name, "holds NUL bytes: not a text file")
    lines = text.rstrip("\n").split("\n")
    if len(lines) > 1 and lines[-1].count(",") < lines[0].count(",") and '"' not in lines[-1]:
        raise QuoteError(path.name, f"line {len(lines)} has {lines[-1].count(',') + 1} of {lines[0].count(',') + 1} fields: cut short?")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = pd.read_csv(io.StringIO(text.rstrip("\n")), dtype=str, na_filter=False, skip_blank_lines=False)
    except Exception as error:  # parser errors and warnings of many kinds
        raise QuoteError(path.name, f"cannot be read as csv ({_first_line(error)})") from None
    if not isinstance(found.index, pd.RangeIndex):
        raise QuoteError(path.name, "rows have more fields than the header has names")
    if len(found) != len(lines) - 1:
        raise QuoteError(path.name, f"{len(lines) - 1} lines below the header read as {len(found)} rows: a stray quotation mark?")
    found = found.fillna("").set_axis(np.arange(2, len(found) + 2), axis=0)
    return found[~(found == "").all(axis=1)]


def _text(path):
    try:
        raw = gzip.decompress(path.read_bytes()) if path.name.lower().endswith(".gz") else path.read_bytes()
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise QuoteError(path.name, "is not text in UTF-8") from None
    except (OSError, EOFError, zlib.error) as error:
        raise QuoteError(path.name, f"cannot be read ({_first_line(error)})") from None


def _first_line(error):
    return (str(error).strip() or type(error).__name__).splitlines()[0][:120]


def words(column: pd.Series) -> pd.Series:
    """Cells as text without blanks around them; missing cells as "nan", "None" or "<NA>"."""
    return pd.Series([str(cell).strip() for cell in column], index=column.index, name=column.name, dtype=str)


def numbers(column: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Values (n,), NaN where blank or not a number, and the mask (n,) of cells that hold something which is no number."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=float, na_value=np.nan), np.zeros(len(column), dtype=bool)
    text = words(column)
    blank = text.str.lower().isin(BLANK).to_numpy()
    values = np.array([np.nan if empty else _number(cell) for cell, empty in zip(text, blank, strict=True)])
    return values, np.isnan(values) & ~blank


def _number(cell):
    try:
        return np.nan if "_" in cell else float(cell)
    except ValueError:
        return np.nan


def exact_numbers(column: pd.Series, file: str) -> np.ndarray:
    """Numbers that a whole expiry depends on (forward, year fraction): each must be there and finite."""
    values, _ = numbers(column)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        raise QuoteError(f"{file} row {column.index[row]}", f"{column.name} is {str(column.iloc[row])!r}, a number is needed")
    return values


def dates(column: pd.Series, file: str) -> np.ndarray:
    """Dates (n,) as objects; yyyy-mm-dd or yyyymmdd, because day and month cannot be told apart in other spellings."""
    text = words(column).str.removesuffix(".0")
    found = {cell: _date(cell) for cell in text.unique()}
    missing = text.map(found).isna().to_numpy()
    if missing.any():
        row = int(np.argmax(missing))
        raise QuoteError(f"{file} row {text.index[row]}", f"{column.name} is {text.iloc[row]!r}; write dates as yyyy-mm-dd or yyyymmdd")
    return np.array([found[cell] for cell in text], dtype=object)


def _date(cell):
    match = DATE.fullmatch(cell)
    try:
        found = date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None
    return found if found and 1980 <= found.year <= 2100 else None


def as_day(asked) -> date | None:
    """A date asked for as such, with a time of day, or as "yyyy-mm-dd"; None stays None."""
    if isinstance(asked, datetime):
        return asked.date()
    try:
        return date.fromisoformat(asked) if isinstance(asked, str) else asked
    except ValueError:
        raise QuoteError(asked, "write a day as yyyy-mm-dd") from None
