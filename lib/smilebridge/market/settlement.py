"""Settlement: which expiries settle in the morning, and the moment when they do."""

from datetime import date, datetime, time, timedelta

from .clock import third_friday

MOMENT = {"am": time(9, 30), "pm": time(16, 0)}  # New York wall clock
CLOSE = time(16, 0)  # quotes of a day are taken to stand at the close


def infer(market: str, expiry: date) -> str:
    """Settlement where the source does not tell: VIX options in the morning, SPX ones in the morning on third Fridays, else at the close.

    >>> infer("SPX", date(2023, 3, 17)), infer("SPX", date(2023, 3, 15)), infer("VIX", date(2023, 3, 15))
    ('am', 'pm', 'am')
    """
    return "am" if market == "VIX" or expiry == third_friday(expiry.year, expiry.month) else "pm"


def moment(expiry: date, settlement: str) -> datetime:
    """New York time of the settlement."""
    return datetime.combine(expiry, MOMENT[settlement])


def days_between(start: datetime, end: datetime) -> float:
    """Days between two moments on New York's wall clock."""
    return (end - start) / timedelta(days=1)


def last_trading_day(expiry: date) -> date:
    """Expiries dated on a Saturday (until February 2015) stop trading on the Friday before."""
    return expiry - timedelta(expiry.weekday() == 5)
