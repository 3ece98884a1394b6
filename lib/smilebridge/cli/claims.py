"""Named payoffs as typed on the command line: strikes as quoted, prices in the unit of the quote. Nothing typed is ever executed."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

import jax.numpy as jnp
import numpy as np

from .. import arbitrage, market
from .door import UnusableError

POINTS = 100.0  # VIX points per decimal
UNITS = {"vix-square": "variance a year", "vix": "VIX points", "covariance": "VIX points", "": "forwards"}  # by the head of the name


@dataclass(frozen=True, slots=True)
class Claim:
    """A payoff of (S1, V, S2).

    strike     as typed: S2/S1 for forward starts, VIX points; None where there is none
    unit       of a price that is printed
    scale      printed price per price of the library
    """

    name: str
    strike: float | None
    unit: str
    scale: float

    def __str__(self):
        return self.name if self.strike is None else f"{self.name} at {self.strike:g}"

    def payoff(self, future) -> Callable:
        """Function of s1, v, s2 in the library's units.

        future     E[V] or the VIX future, decimal: what payoffs that ask for it are given
        """
        known = {"strike": None if self.strike is None else self.strike / self.scale, "future": future}
        asked = inspect.signature(arbitrage.PAYOFFS[self.name]).parameters
        return arbitrage.PAYOFFS[self.name](**{name: known[name] for name in asked})

    def vol(self, price, *, tau, future, years=None):
        """Black volatility of a price in printed units, decimal; None where the claim has none, or T1 is not known.

        future     E[V], decimal
        years      T1, ACT/365
        """
        kind, _, right = self.name.rpartition("-")
        if self.strike is None or right not in ("call", "put") or kind not in ("forward-start", "vix") or (kind == "vix" and not years):
            return None
        k, T = (self.strike, tau) if kind == "forward-start" else (self.strike / (POINTS * future), years)
        price = price if kind == "forward-start" else price / (POINTS * future)
        call = price if right == "call" else price + 1 - k
        vol = float(call_vol(np.array([k]), np.array([call]), T)[0])
        return vol if np.isfinite(vol) else None


def call_vol(k, call, T):
    """(n,) Black volatility of calls per forward; NaN where there is none."""
    return np.asarray(market.implied_stdev(jnp.asarray(k), jnp.asarray(call - np.maximum(1.0 - k, 0.0)))) / np.sqrt(T)


def claim(name: str, strike: float | None) -> Claim:
    """The payoff of that name.

    raises     UnusableError: unknown name (those there are are listed), a strike missing, unasked for, or in the wrong unit
    """
    if name not in arbitrage.PAYOFFS:
        near = get_close_matches(name, arbitrage.PAYOFFS, n=1)
        raise UnusableError(f"--payoff {name}: {f'did you mean {near[0]}? ' if near else ''}there are {', '.join(arbitrage.PAYOFFS)}")
    unit = next(unit for head, unit in UNITS.items() if name.startswith(head))
    scale = POINTS if unit == "VIX points" else 1.0
    asked = inspect.signature(arbitrage.PAYOFFS[name]).parameters
    if "strike" in asked:
        strike = _strike(name, asked["strike"].default if strike is None else strike, scale)
    elif strike is not None:
        raise UnusableError(f"--strike {strike:g}: {name} has none")
    return Claim(name, strike, unit, scale)


def _strike(name, strike, scale):
    if strike is inspect.Parameter.empty:
        raise UnusableError(f"--payoff {name}: --strike is needed")
    if not (np.isfinite(strike) and strike > 0):
        raise UnusableError(f"--strike {strike:g}: a positive number is needed")
    if scale == POINTS and strike < 1:
        raise UnusableError(f"--strike {strike:g}: VIX strikes are in points, {POINTS * strike:g} perhaps")
    return strike
