"""Stochastic volatility in the coordinate in which its noise is constant (Lamperti): three references for the bridge, by one interface.

dS/S = a(y) dW,   dy = drift(y) dt + scale dZ,   d<W, Z> = rho dt,   y reflected where a(y) meets its bounds low and high.

Reflection adds to dy a term that grows only while y touches an edge and pushes it back: no mass is lost and none stays there; functions
E[f(y_T) | y_t = y] have slope zero at both edges. The bounds are part of the model, not of a grid. With them a is bounded, so S is a true
martingale for every rho (Novikov) and exp(delta int a^2 dt) has a mean for every delta, which the bridge's multiplier of variance needs.
What each model would do without them is said in its class.
"""

from abc import abstractmethod

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float


def _demand(model, **terms):
    """ValueError that names the model and the first term that fails: name = (holds, what is needed, value)."""
    for name, (holds, needed, value) in terms.items():
        if not holds:
            raise ValueError(f"{model}: {name} must be {needed}, got {value}")


def _shared(model, rho, a0, low, high):
    """The demands that all models make."""
    inf = float("inf")
    _demand(
        model,
        rho=(-1 < rho < 1, "in (-1, 1)", rho),
        low=(0 < low < inf, "positive", low),
        a0=(low < a0 < inf, f"above low = {low}", a0),
        high=(a0 < high < inf, f"finite and above a0 = {a0}", high),
    )


def _arrays(*numbers):
    """Plain numbers as float64 scalars."""
    return tuple(jnp.asarray(number, float) for number in numbers)


class StochasticVol(eqx.Module):
    """A one-factor volatility; S starts at 1 and the volatility at a0. Formulas act elementwise, on any shape.

    rho         correlation of spot and volatility, in (-1, 1)
    a0          volatility today, decimal a year
    low, high   bounds at which the volatility is reflected, 0 < low < a0 < high
    """

    rho: eqx.AbstractVar[Array]
    a0: eqx.AbstractVar[Array]
    low: eqx.AbstractVar[Array]
    high: eqx.AbstractVar[Array]

    @property
    @abstractmethod
    def scale(self) -> Float[Array, ""]:
        """Noise of y, per square root of a year."""

    @abstractmethod
    def volatility(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """a(y), increasing."""

    @abstractmethod
    def coordinate(self, a: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """y at which the volatility is a: the inverse of `volatility`."""

    @abstractmethod
    def drift(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """Drift of y, per year."""

    @property
    def start(self) -> Float[Array, ""]:
        """y today."""
        return self.coordinate(self.a0)

    @property
    def edges(self) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """(y_low, y_high), where y is reflected."""
        return self.coordinate(self.low), self.coordinate(self.high)


class LognormalVol(StochasticVol):
    """da = -k (a - m) dt + nu a dZ; y = ln a, scale nu, drift -k (1 - m e^{-y}) - nu^2/2.

    k    mean reversion, per year
    m    level of reversion, decimal a year
    nu   volatility of volatility, per square root of a year

    Without bounds: zero is never reached (an entrance boundary if k m > 0: near it y rises at speed k m e^{-y}, fast enough to come from
    -infinity in finite time; natural if k m = 0), and infinity is natural. All moments of a_t are finite, but those of order p grow
    like e^{p^2 nu^2 t / 2}: exp(delta int a^2 dt) has an infinite mean for every delta > 0. Hence the bound high: the bridge, which
    weighs paths by just that factor, exists for it only with a bound and depends on where it lies. For rho > 0 the
    unbounded S would also be a strict local martingale (Jourdain 2004).
    """

    k: Float[Array, ""]
    m: Float[Array, ""]
    nu: Float[Array, ""]
    rho: Float[Array, ""]
    a0: Float[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]

    @classmethod
    def of(cls, *, k, m, nu, rho, a0, low, high):
        """From plain numbers; refuses k < 0, m < 0, nu <= 0, and a correlation, start or bounds out of order, by name."""
        inf = float("inf")
        _demand(
            "lognormal volatility",
            k=(0 <= k < inf, "non-negative", k),
            m=(0 <= m < inf, "non-negative", m),
            nu=(0 < nu < inf, "positive", nu),
        )
        _shared("lognormal volatility", rho, a0, low, high)
        return cls(*_arrays(k, m, nu, rho, a0, low, high))

    @property
    def scale(self):
        """nu."""
        return self.nu

    def volatility(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """a = e^y."""
        return jnp.exp(y)

    def coordinate(self, a: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """y = ln a."""
        return jnp.log(a)

    def drift(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """-k (1 - m e^{-y}) - nu^2/2, by Ito's formula for ln a."""
        return -self.k * (1 - self.m * jnp.exp(-y)) - 0.5 * self.nu**2


class SquareRootVol(StochasticVol):
    """Heston: a^2 = w, dw = kappa (theta - w) dt + xi sqrt(w) dZ; y = a, scale xi/2, drift ((kappa theta - xi^2/4)/a - kappa a)/2.

    kappa   mean reversion of variance, per year
    theta   level of reversion, annual variance
    xi      volatility of variance, per square root of a year, times volatility

    Without bounds, near zero y is a Bessel process of dimension 4 kappa theta / xi^2. From two on (Feller: 2 kappa theta >= xi^2) zero is
    never reached, an entrance boundary. Between one and two it is reached and left at once, and a small low > 0 changes little. Below one
    the drift of y points at zero and sqrt(w) obeys no such equation; reflection at low > 0 is then a model of its own. Infinity is
    natural: y is dominated by an Ornstein-Uhlenbeck process. exp(delta int w dt) has a mean for every horizon while
    2 xi^2 delta <= kappa^2, beyond only up to a time of explosion, so high matters for large delta only.
    """

    kappa: Float[Array, ""]
    theta: Float[Array, ""]
    xi: Float[Array, ""]
    rho: Float[Array, ""]
    a0: Float[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]

    @classmethod
    def of(cls, *, kappa, theta, xi, rho, a0, low, high):
        """From plain numbers; refuses kappa < 0, theta <= 0, xi <= 0, and a correlation, start or bounds out of order, by name."""
        inf = float("inf")
        _demand(
            "square-root volatility",
            kappa=(0 <= kappa < inf, "non-negative", kappa),
            theta=(0 < theta < inf, "positive", theta),
            xi=(0 < xi < inf, "positive", xi),
        )
        _shared("square-root volatility", rho, a0, low, high)
        return cls(*_arrays(kappa, theta, xi, rho, a0, low, high))

    @property
    def scale(self):
        """xi / 2."""
        return 0.5 * self.xi

    def volatility(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """a = y."""
        return y

    def coordinate(self, a: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """y = a."""
        return a

    def drift(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """((kappa theta - xi^2/4)/y - kappa y)/2, by Ito's formula for sqrt(w)."""
        return 0.5 * ((self.kappa * self.theta - 0.25 * self.xi**2) / y - self.kappa * y)


class BergomiVol(StochasticVol):
    """One-factor Bergomi, homogeneous in time: a = level e^y, dy = -k y dt + omega dZ.

    k       mean reversion of y, per year
    level   volatility at y = 0, decimal a year
    omega   volatility of volatility, per square root of a year

    Without bounds both ends of the line are natural: y is an Ornstein-Uhlenbeck process. As for the lognormal volatility, a_t is too
    heavy-tailed for exp(delta int a^2 dt) to have a mean, whatever delta > 0: the bound high is what makes the bridge exist. For rho > 0
    the unbounded S would be a strict local martingale (Jourdain 2004).
    """

    k: Float[Array, ""]
    level: Float[Array, ""]
    omega: Float[Array, ""]
    rho: Float[Array, ""]
    a0: Float[Array, ""]
    low: Float[Array, ""]
    high: Float[Array, ""]

    @classmethod
    def of(cls, *, k, level, omega, rho, a0, low, high):
        """From plain numbers; refuses k < 0, level <= 0, omega <= 0, and a correlation, start or bounds out of order, by name."""
        inf = float("inf")
        _demand(
            "Bergomi volatility",
            k=(0 <= k < inf, "non-negative", k),
            level=(0 < level < inf, "positive", level),
            omega=(0 < omega < inf, "positive", omega),
        )
        _shared("Bergomi volatility", rho, a0, low, high)
        return cls(*_arrays(k, level, omega, rho, a0, low, high))

    @property
    def scale(self):
        """omega."""
        return self.omega

    def volatility(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """a = level e^y."""
        return self.level * jnp.exp(y)

    def coordinate(self, a: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """y = ln(a / level)."""
        return jnp.log(a / self.level)

    def drift(self, y: Float[Array, "*n"]) -> Float[Array, "*n"]:
        """-k y."""
        return -self.k * y
