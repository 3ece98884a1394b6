"""Calendar arbitrage between two quoted smiles, before any law is fitted: bids and asks alone decide."""

from dataclasses import dataclass

import numpy as np

from ..market import Smile

TOL_QUOTED = 1e-8  # forward units (0.00004 points at 4000): prices from implied vols, and what cleaning itself leaves of butterflies
N_GRID = 400  # prices of S1 and of S2 over which a payoff is remeasured, beside the strikes
REACH = 3.0  # the grid ends at this multiple of the highest strike


@dataclass(frozen=True, slots=True)
class Leg:
    """An amount of one call on S/F.

    contract   e.g. "SPX 2023-04-14 C4100"; strike 0 is the forward itself
    late       paid at T2, else at T1
    strike     per forward
    amount     bought if positive
    price      of one, per forward: the ask if bought, the bid if sold
    """

    contract: str
    late: bool
    strike: float
    amount: float
    price: float


@dataclass(frozen=True, slots=True)
class QuotedSpread:
    """Calls bought at their asks that dominate a T1 call sold at its bid, for less than it brings.

    legs          the call sold first, then the calls bought
    worst_payoff  least terminal value with the hedge, remeasured over a grid of (s1, s2), forward units; never below zero but for rounding
    """

    legs: tuple[Leg, ...]
    worst_payoff: float

    @property
    def price(self):
        """Cost today, forward units: negative, so it pays to enter."""
        return sum(leg.amount * leg.price for leg in self.legs)

    @property
    def strike(self):
        """Strike of the call sold, per forward."""
        return self.legs[0].strike

    def payoff(self, s1, s2):
        """Terminal value per forward, hedge included: at T1, sell `amount` forwards to T2 for each T2 call with strike below S1."""
        return _payoff(self.legs, np.asarray(s1, float), np.asarray(s2, float))

    def __str__(self):
        sold, *bought = self.legs
        return (
            f"sell {sold.contract} at {sold.price:.6f} and buy {' and '.join(f'{leg.amount:.4f} {leg.contract}' for leg in bought)} "
            f"for {sum(leg.amount * leg.price for leg in bought):.6f} forwards: it costs {self.price:.3e}, and with its hedge pays at "
            f"least {self.worst_payoff:.1e}"
        )


def quoted(spx1: Smile, spx2: Smile) -> QuotedSpread | None:
    """The calendar arbitrage that wins most at the quoted prices of two expiries, T1 before T2; None where there is none.

    bid1(k) > min sum w_i ask_i  over  w >= 0, sum w_i = 1, sum w_i k_i <= k,  the calls i of T1, of T2 and the forward (k_0 = 0, ask 1).

    Jensen: a call on S2 hedged at T1 dominates the same call on S1, and calls are convex and decreasing in strike. Where each smile alone
    is free of butterflies, laws mu1 before mu2 in convex order inside all quotes exist unless such a bid does.
    spx1, spx2   forward-normalised; S/F is taken for a martingale (rates and dividends known)
    see          book 03_convex_order; Carr & Madan (2005); Davis & Hobson (2007)
    """
    calls = [*_calls(spx1, late=False), *_calls(spx2, late=True)]
    hull = _envelope([Leg(f"{spx2.market} {spx2.expiry} forward", True, 0.0, 1.0, 1.0), *calls])
    found = [(k, bid, _cheapest(hull, k)) for k, bid in zip(spx1.k, spx1.call_bid, strict=True)]
    wins = [bid - sum(leg.amount * leg.price for leg in bought) for _, bid, bought in found]
    best = int(np.argmax(wins))
    k, bid, bought = found[best]
    if wins[best] <= TOL_QUOTED or not any(leg.late for leg in bought):
        return None
    legs = (Leg(_contract(spx1, spx1.strikes[best]), False, float(k), -1.0, float(bid)), *bought)
    return QuotedSpread(legs, _worst(legs))


def _contract(smile, strike):
    return f"{smile.market} {smile.expiry} C{strike:g}"


def _calls(smile, *, late):
    columns = zip(smile.strikes, smile.k, smile.call_ask, strict=True)
    return [Leg(_contract(smile, strike), late, float(k), 1.0, float(ask)) for strike, k, ask in columns]


def _envelope(calls):
    """The calls on the greatest convex decreasing curve below all asks, by strike: Andrew's chain up to the cheapest call."""
    hull = []
    for call in sorted(calls, key=lambda call: (call.strike, call.price)):
        if hull and call.price >= hull[-1].price:
            continue
        while len(hull) > 1 and _above(hull[-2], hull[-1], call):
            hull.pop()
        hull.append(call)
    return hull


def _above(left, middle, right):
    """Whether the middle point lies on or above the chord."""
    return (middle.price - left.price) * (right.strike - left.strike) >= (right.price - left.price) * (middle.strike - left.strike)


def _cheapest(hull, k):
    """One or two calls whose mixture of strikes is k: they dominate the call struck at k."""
    strikes = [call.strike for call in hull]
    i = int(np.searchsorted(strikes, k, side="right")) - 1
    if i == len(hull) - 1 or strikes[i] == k:
        return (hull[i],)
    share = (k - strikes[i]) / (strikes[i + 1] - strikes[i])
    amounts = zip(hull[i : i + 2], (1.0 - share, share), strict=True)
    return tuple(Leg(call.contract, call.late, call.strike, float(amount), call.price) for call, amount in amounts)


def _payoff(legs, s1, s2):
    total = np.zeros(np.broadcast_shapes(s1.shape, s2.shape))
    for leg in legs:
        end = s2 if leg.late else s1
        hedge = np.where(s1 > leg.strike, s1 - s2, 0.0) if leg.late else 0.0
        total = total + leg.amount * (np.maximum(end - leg.strike, 0.0) + hedge)
    return total


def _worst(legs):
    strikes = np.array([leg.strike for leg in legs])
    fine = np.linspace(0.0, REACH * strikes.max(), N_GRID)
    s = np.unique(np.r_[fine, strikes, np.nextafter(strikes, np.inf)])
    return float(_payoff(legs, s[:, None], s[None, :]).min())
