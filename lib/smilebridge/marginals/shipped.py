"""How our laws met the raw quotes of the embedded days: shipped results, renewed by `renew.py`."""

import pandas as pd

from ..market import EMBEDDED, shipped_table


def fits(day: str = EMBEDDED[0]) -> pd.DataFrame:
    """One row per smile of a real day: quotes, how many the law meets inside bid-ask, worst error; a shipped result, not recomputed here.

    >>> bool((fits().inside == fits().quotes).all())
    True
    """
    return shipped_table(day, "fits")
