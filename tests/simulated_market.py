"""Quotes and nodes around the published experiment, for the tests of the transport."""

from dataclasses import replace

from smilebridge import semimartingale

PUBLISHED = semimartingale.PUBLISHED
DATES, MARKET, REFERENCE, V0 = PUBLISHED.dates, PUBLISHED.market, PUBLISHED.reference, PUBLISHED.v0
K, KV = PUBLISHED.k, PUBLISHED.kV


def quoted(model, v0=V0, k=K, kv=KV):
    """Exact prices of a Heston model in which the root of the variance expected until T2 is v0."""
    return replace(PUBLISHED, market=model, v0=v0, k=k, kV=kv).quotes


def grid(nx, nv, quotes=None, **pace):
    """Nodes for quotes, the market's unless given."""
    domain = semimartingale.Domain.of(quotes or quoted(MARKET), DATES, V0)
    return semimartingale.Grid.of(DATES, nx, nv, domain=domain, pace=semimartingale.Pace(**pace))
