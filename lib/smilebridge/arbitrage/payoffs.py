"""Claims on (S1, V, S2), by name: each is a function of s1, v, s2 that broadcasts."""

import numpy as np


def forward_start_call(strike: float = 1.0):
    """(S2/S1 - K)+, paid on one forward's worth at T1; K in units of S1."""
    return lambda s1, v, s2: np.maximum(s2 / s1 - strike, 0.0)


def forward_start_put(strike: float = 1.0):
    """(K - S2/S1)+; K in units of S1."""
    return lambda s1, v, s2: np.maximum(strike - s2 / s1, 0.0)


def straddle():
    """|S2 - S1|, forwards."""
    return lambda s1, v, s2: np.abs(s2 - s1)


def vix_future():
    """V, decimal."""
    return lambda s1, v, s2: v


def vix_call(strike: float):
    """(V - K)+, decimal."""
    return lambda s1, v, s2: np.maximum(v - strike, 0.0)


def vix_put(strike: float):
    """(K - V)+, decimal."""
    return lambda s1, v, s2: np.maximum(strike - v, 0.0)


def vix_square():
    """V^2, variance a year."""
    return lambda s1, v, s2: v**2


def covariance(future: float):
    """(S1 - 1) (V - F): the covariance of spot and VIX where F is the VIX future; decimal."""
    return lambda s1, v, s2: (s1 - 1.0) * (v - future)


PAYOFFS = {
    "forward-start-call": forward_start_call,
    "forward-start-put": forward_start_put,
    "straddle": straddle,
    "vix-future": vix_future,
    "vix-call": vix_call,
    "vix-put": vix_put,
    "vix-square": vix_square,
    "covariance": covariance,
}
