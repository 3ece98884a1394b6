"""Claims on (S1, V, S2), by name: each is a function of s1, v, s2 that broadcasts; numbers, NumPy or JAX arrays."""


def _plus(x):
    """Positive part of anything that has an absolute value, to the last bit."""
    return 0.5 * (x + abs(x))


def forward_start_call(strike: float = 1.0):
    """(S2/S1 - K)+, paid on one forward's worth at T1; K in units of S1."""
    return lambda s1, v, s2: _plus(s2 / s1 - strike)


def forward_start_put(strike: float = 1.0):
    """(K - S2/S1)+; K in units of S1."""
    return lambda s1, v, s2: _plus(strike - s2 / s1)


def straddle():
    """|S2 - S1|, forwards."""
    return lambda s1, v, s2: abs(s2 - s1)


def vix_future():
    """V, decimal."""
    return lambda s1, v, s2: v


def vix_call(strike: float):
    """(V - K)+, decimal."""
    return lambda s1, v, s2: _plus(v - strike)


def vix_put(strike: float):
    """(K - V)+, decimal."""
    return lambda s1, v, s2: _plus(strike - v)


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
