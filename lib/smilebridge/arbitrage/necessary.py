"""Conditions that three laws must meet before any joint law of (S1, V, S2) is sought."""

from dataclasses import dataclass

from .convex_order import TOL_FORWARD, ConvexOrder, convex_order

TOL_VARIANCE = 1e-10  # variance a year: E[V^2] and forward variance closer than this are equal


@dataclass(frozen=True, slots=True)
class Necessary:
    """What each condition measured. All must hold for a joint law to exist; together they do not suffice (see book 03_convex_order).

    order         mu1 before mu2 in convex order
    variance_gap  E[V^2] - (E[L(S2)] - E[L(S1)]), variance a year; 0 by the definition of the VIX
    jensen_slack  sqrt(forward variance) - E[V], decimal vol; the VIX future may not exceed the forward log-contract volatility
    """

    order: ConvexOrder
    variance_gap: float
    jensen_slack: float

    @property
    def holds(self):
        """Whether all three conditions hold within `TOL_VARIANCE` and `TOL_FORWARD`."""
        return self.order.holds and abs(self.variance_gap) <= TOL_VARIANCE and self.jensen_slack >= -TOL_FORWARD

    @property
    def failures(self):
        """Sentences naming the law, the condition, by how much, in which unit."""
        found, order = [], self.order
        if not abs(order.mean_gap) <= TOL_FORWARD:
            found.append(f"mu1, mu2: mean of mu2 minus mean of mu1 is {order.mean_gap:+.3e} forwards, need 0")
        if not order.worst_gap >= -TOL_FORWARD:
            found.append(f"mu1 does not precede mu2: call gap {order.worst_gap:.3e} forwards at strike {order.strike:.4f}")
        if not abs(self.variance_gap) <= TOL_VARIANCE:
            found.append(f"muV: E[V^2] misses the forward variance by {self.variance_gap:+.3e} a year")
        if not self.jensen_slack >= -TOL_FORWARD:
            found.append(f"muV: VIX future exceeds sqrt(forward variance) by {-100 * self.jensen_slack:.3f} vol points")
        return tuple(found)


def necessary(mu1, muV, mu2, tau) -> Necessary:
    """Measure means, convex order, the variance identity and Jensen's inequality on three laws.

    mu1, mu2   laws of S/F at T1 and T2
    muV        law of the VIX at T1, decimal
    tau        window T2 - T1, years
    """
    forward_variance = float(mu2.log_contract(tau) - mu1.log_contract(tau))
    root = max(forward_variance, 0.0) ** 0.5
    return Necessary(convex_order(mu1, mu2), float(muV.second_moment()) - forward_variance, root - float(muV.mean()))
