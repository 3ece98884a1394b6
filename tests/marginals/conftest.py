"""Fits that several tests look at, made once."""

from functools import cache

import pytest

from smilebridge import marginals, market


@cache
def fits_of(name):
    """[(smile, law)] of every smile of a market, each fitted alone, means per forward."""
    return [(smile, marginals.fit_smile(smile, name=smile.market).law) for smile in market.load(name).smiles]


@cache
def laws_of(name):
    """The reconciled laws of a market's first VIX expiry."""
    snapshot = market.load(name)
    return marginals.from_quotes(snapshot, snapshot.vix[0].expiry)


@pytest.fixture(scope="session", params=market.SYNTHETIC)
def market_name(request):
    """Each synthetic market in turn."""
    return request.param


@pytest.fixture
def fits(market_name):
    """Free fits of a synthetic market."""
    return fits_of(market_name)


@pytest.fixture
def laws(market_name):
    """Reconciled laws of a synthetic market."""
    return laws_of(market_name)
