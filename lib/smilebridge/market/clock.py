"""Dates and clocks: exchange holidays, third Fridays, and the clock that a file's year fractions tick by."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np

TOL_DAYS = 0.02  # days by which a year fraction may miss a clock: four printed decimals of a year


@dataclass(frozen=True, slots=True)
class Clock:
    """A way to count days: calendar or business, over so many a year."""

    name: str
    days_a_year: float
    business: bool = False
    holidays: bool = False

    def days(self, day: date, expiry: date) -> int:
        """Days from `day` (excluded) to `expiry` (included) that this clock counts."""
        if not self.business:
            return (expiry - day).days
        off = [h for year in range(day.year, expiry.year + 1) for h in exchange_holidays(year)] if self.holidays else []
        return int(np.busday_count(day + timedelta(1), expiry + timedelta(1), holidays=np.array(off, dtype="datetime64[D]")))


CLOCKS = (
    Clock("calendar days/365", 365.0),
    Clock("calendar days/365.25", 365.25),
    Clock("business days/250", 250.0, business=True),
    Clock("business days/252", 252.0, business=True),
    Clock("business days/250 without exchange holidays", 250.0, business=True, holidays=True),
    Clock("business days/252 without exchange holidays", 252.0, business=True, holidays=True),
)


def years(day: date, expiry: date) -> float:
    """ACT/365: the library's clock.

    >>> years(date(2023, 2, 15), date(2023, 3, 17)) * 365
    30.0
    """
    return (expiry - day).days / 365.0


def clock_of(day: date, fractions: dict[date, float]) -> tuple[Clock | None, float]:
    """The clock that comes nearest to the given year fractions, and its worst miss in days; None where all miss by `TOL_DAYS`.

    >>> clock_of(date(2023, 2, 15), {date(2023, 3, 17): 30 / 365.25, date(2024, 3, 15): 394 / 365.25})[0].name
    'calendar days/365.25'
    """
    miss = {c: max(abs(t * c.days_a_year - c.days(day, expiry)) for expiry, t in fractions.items()) for c in CLOCKS}
    best = min(miss, key=miss.get)
    return (best if miss[best] <= TOL_DAYS else None), miss[best]


def day_of(fractions: dict[date, float]) -> date | None:
    """The quote date at which some clock gives all year fractions; None where there is none."""
    fractions = {expiry: t for expiry, t in fractions.items() if 0 < t < 50}
    if not fractions:
        return None
    first = min(fractions, key=fractions.get)
    t = fractions[first]
    candidates = [first - timedelta(d) for d in range(max(1, int(t * 345) - 6), int(t * 385) + 7)]
    best = min(candidates, key=lambda day: clock_of(day, fractions)[1])
    return best if clock_of(best, fractions)[0] else None


@cache
def exchange_holidays(year: int) -> frozenset[date]:
    """Full-day closures of the New York exchanges by rule (not the unscheduled ones).

    >>> date(2023, 4, 7) in exchange_holidays(2023)
    True
    """
    fixed = [date(year, 7, 4), date(year, 12, 25), *([date(year, 6, 19)] if year >= 2022 else [])]
    observed = {d + timedelta({5: -1, 6: 1}.get(d.weekday(), 0)) for d in fixed}
    new_year = date(year, 1, 1)
    if new_year.weekday() != 5:  # a Saturday New Year is not moved into the old year
        observed.add(new_year + timedelta(new_year.weekday() == 6))
    floating = {nth_weekday(year, 1, 0, 3), nth_weekday(year, 2, 0, 3), nth_weekday(year, 9, 0, 1), nth_weekday(year, 11, 3, 4)}
    memorial = max(date(year, 5, d) for d in range(25, 32) if date(year, 5, d).weekday() == 0)
    return frozenset(observed | floating | {memorial, easter(year) - timedelta(2)})


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th Monday (weekday 0) ... Sunday (6) of a month."""
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (n - 1))


def easter(year: int) -> date:
    """Easter Sunday in the Gregorian calendar (Meeus, Jones, Butcher)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)


def third_friday(year: int, month: int) -> date:
    """The day on which the monthly SPX options stop: the third Friday, or the Thursday before where the exchange is closed.

    >>> third_friday(2019, 4)
    datetime.date(2019, 4, 18)
    """
    friday = nth_weekday(year, month, 4, 3)
    return friday - timedelta(friday in exchange_holidays(year))
