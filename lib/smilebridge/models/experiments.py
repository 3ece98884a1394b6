"""The three experiments of Guyon's slides (2022): a market and a reference, both with lognormal volatility, other parameters.

da = -k (a - m) dt + nu a dZ, k = 1.5, a0 = m = 0.2. The market is priced by methods that share nothing with a bridge: the transform of the
spot for SPX, the law of the volatility for VIX.
"""

from dataclasses import dataclass

import numpy as np

from .quintic_ou import TAU
from .spot_law import SpotLaw
from .stochastic_vol import LognormalVol
from .volatility_law import VolatilityLaw, vix_of

UNBOUNDED = 200.0  # bounds a0/200 and 200 a0 are never met: the market's volatility has none
SPX_LEVELS = (0.004, 0.01, 0.025, 0.06, 0.12, 0.2, 0.3, 0.42, 0.55, 0.67, 0.78, 0.87, 0.94, 0.98, 0.995)  # strikes at these quantiles
VIX_LEVELS = (0.01, 0.04, 0.1, 0.2, 0.33, 0.48, 0.63, 0.77, 0.88, 0.95, 0.985)
ROUND = 0.0025  # strikes are rounded to this, per forward and in volatility


@dataclass(frozen=True, slots=True)
class Experiment:
    """Volatilities of volatility and correlations of the two models, and the dates.

    bound   the reference's volatility is reflected at a0/bound and bound a0; part of the reference, not of a grid
    """

    nu_market: float
    rho_market: float
    nu_reference: float
    rho_reference: float
    k: float = 1.5
    m: float = 0.2
    a0: float = 0.2
    T1: float = 0.17
    tau: float = TAU
    bound: float = 4.0

    @property
    def T2(self):
        """End of the VIX's window, years."""
        return self.T1 + self.tau

    @property
    def market(self):
        """The model behind the quotes, without bounds that matter."""
        return self._model(self.nu_market, self.rho_market, UNBOUNDED)

    @property
    def reference(self):
        """The model from which the bridge departs."""
        return self._model(self.nu_reference, self.rho_reference, self.bound)

    def _model(self, nu, rho, bound):
        return LognormalVol.of(k=self.k, m=self.m, nu=nu, rho=rho, a0=self.a0, low=self.a0 / bound, high=self.a0 * bound)


EXPERIMENTS = {
    "i": Experiment(nu_market=0.4, rho_market=0.0, nu_reference=0.5, rho_reference=0.0),
    "ii": Experiment(nu_market=1.2, rho_market=-0.7, nu_reference=1.0, rho_reference=-0.7),
    "iii": Experiment(nu_market=0.9, rho_market=-0.5, nu_reference=1.0, rho_reference=-0.3),
}


@dataclass(frozen=True, slots=True)
class QuotedMarket:
    """Exact prices of a model's vanilla instruments: SPX at T1 and T2 per forward, VIX at T1 in decimals.

    k1, price1         (n1,) strikes and out-of-the-money prices, put for k < 1
    k2, price2         (n2,)
    kV, priceV         (nV,) put below the future
    future             E[V]
    EV2                E[V^2], from the law of the VIX
    forward_variance   (E[-2 log S2] - E[-2 log S1])/tau, which it must equal: from the expected variance of the spot
    errors             (3,) of the prices of S1, V, S2
    """

    k1: np.ndarray
    price1: np.ndarray
    k2: np.ndarray
    price2: np.ndarray
    kV: np.ndarray
    priceV: np.ndarray
    future: float
    EV2: float
    forward_variance: float
    errors: tuple[float, float, float]


def _strikes(law, levels, n):
    """At most n rounded strikes at the law's quantiles, levels taken evenly from the list."""
    taken = np.interp(np.linspace(0, len(levels) - 1, n), np.arange(len(levels)), levels)
    return np.unique(np.round(np.round(law.quantiles(taken) / ROUND) * ROUND, 4))


def quoted_market(experiment: Experiment, n=(15, 15, 11)):
    """Quotes of the experiment's market: n = strikes of SPX at T1, of SPX at T2, of VIX."""
    model, T1, T2, tau = experiment.market, experiment.T1, experiment.T2, experiment.tau
    spot1, spot2, vix = SpotLaw.of(model, T1), SpotLaw.of(model, T2), VolatilityLaw.of(model, T1, tau)
    k1, k2, kV = _strikes(spot1, SPX_LEVELS, n[0]), _strikes(spot2, SPX_LEVELS, n[1]), _strikes(vix, VIX_LEVELS, n[2])
    variance = lambda years: years * float(vix_of(model, float(model.start), years)[0]) ** 2
    return QuotedMarket(
        k1=k1,
        price1=spot1.otm(k1),
        k2=k2,
        price2=spot2.otm(k2),
        kV=kV,
        priceV=vix.otm(kV),
        future=vix.mean(),
        EV2=vix.mean(2),
        forward_variance=(variance(T2) - variance(T1)) / tau,
        errors=(spot1.error, vix.error, spot2.error),
    )
