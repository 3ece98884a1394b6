"""What is asked of a joint law of (S1, V, S2): nodes, instruments, targets. The linear programmes and the entropy solvers ask the same."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..marginals import Laws, Marginal, Mixture
from ..marginals.mixture import on_strikes
from ..market import Smile
from .nodes import blind_spot, late_span, nodes, span

MARKETS = ("SPX T1", "VIX T1", "SPX T2")
NODES = (60, 40, 80)  # of s1, v, s2, unless asked for others; at least so many where the quotes choose
FINER = 1.25  # factor of the nodes where they cannot tell the quotes apart
SIGHT = 0.8  # share of the half-spreads in which quotes between two nodes must agree with a line, where the nodes are chosen here
LIMIT = 16  # times that nodes are made finer before the quotes are refused
ROOMY = 2  # times the VIX future: V at which every node of a given S1, however far, must find its law on the nodes of S2
EDGE = 0.02  # relative distance of v^2 from the least and the largest variance that the nodes of s2 can carry


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """One variable: its nodes and what is traded on it.

    market     "SPX T1", "VIX T1" or "SPX T2"
    x          (n,) increasing nodes: s = S/F, or v as a decimal
    weight     (n,) prior mass of the node (S1, V), or the length dx that it stands for (S2)
    forward    E[x], in units of x: 1 for S, the VIX future (decimal) for V
    kind       (m,) "P" put, "C" call, "F" forward contract, "N" mass of a node
    strike     (m,) in units of x
    payoff     (n, m) at the nodes, per forward
    bid, ask   (m,) price per forward; equal where the target is exact
    """

    market: str
    x: np.ndarray
    weight: np.ndarray
    forward: float
    kind: np.ndarray
    strike: np.ndarray
    payoff: np.ndarray
    bid: np.ndarray
    ask: np.ndarray

    def __post_init__(self):
        n, m = len(self.x), len(self.kind)
        shapes = {"payoff": (n, m), "weight": (n,), "strike": (m,), "bid": (m,), "ask": (m,)}
        found = {name: getattr(self, name).shape for name in shapes}
        wrong = [f"{name} {found[name]}, need {shape}" for name, shape in shapes.items() if found[name] != shape]
        if wrong:
            raise ValueError(f"{self.market}: {'; '.join(wrong)}")
        if not (np.all(np.diff(self.x) > 0) and np.all(self.x > 0)):
            raise ValueError(f"{self.market}: nodes must be positive and increase")
        if (broken := ~(self.bid <= self.ask)).any():
            worst = int(np.argmax(broken))
            raise ValueError(f"{self.contract(worst)}: need bid <= ask, got {self.bid[worst]:g} / {self.ask[worst]:g}")

    def __len__(self):
        return len(self.x)

    def contract(self, j) -> str:
        """Name of instrument j, e.g. "SPX T2 P0.9" (strikes in units of x)."""
        words = {"F": "forward", "N": f"mass at {self.strike[j]:.4f}"}
        return f"{self.market} {words.get(str(self.kind[j]), f'{self.kind[j]}{self.strike[j]:.4f}')}"

    @property
    def mid(self):
        """(m,) middle of bid and ask, per forward."""
        return 0.5 * (self.bid + self.ask)

    @property
    def half_spread(self):
        """(m,) half of ask minus bid, per forward; 0 where the target is exact."""
        return 0.5 * (self.ask - self.bid)

    @classmethod
    def of_law(cls, market: str, law: Marginal, *, weight=None):
        """Every node's mass is a target."""
        x, p = np.asarray(law.x), np.asarray(law.p)
        kind = np.full(len(x), "N")
        return cls(market, x, p if weight is None else weight, float(p @ x), kind, x, np.eye(len(x)), p, p)

    @classmethod
    def of_options(cls, market: str, x, weight, forward: float, strikes, bid, ask, *, carry: bool = True):
        """Out-of-the-money options (puts below the forward) at bid and ask, and the forward itself at its exact price.

        strikes    (k,) in units of x
        bid, ask   (k,) per forward
        carry      whether the forward is an instrument here; S2's follows from S1's by martingality
        """
        strikes, bid, ask = (np.asarray(a, float) for a in (strikes, bid, ask))
        put = strikes < forward
        payoff = np.maximum(np.where(put, -1.0, 1.0) * (x[:, None] - strikes[None, :]), 0.0) / forward
        kind = np.where(put, "P", "C")
        if carry:
            payoff, kind = np.column_stack([payoff, x / forward - 1]), np.append(kind, "F")
            strikes, bid, ask = np.append(strikes, forward), np.append(bid, 0.0), np.append(ask, 0.0)
        return cls(market, x, weight, forward, kind, strikes, payoff, bid, ask)


@dataclass(frozen=True, slots=True, eq=False)
class JointProblem:
    """Nodes, instruments and window of the joint law P of (S1, V, S2); axes in this order everywhere.

    Asked is P >= 0 on the admissible nodes with every instrument inside its bid-ask (on its target where exact) and, for each (s1, v),
    E[S2 | s1, v] = s1 and E[L(S2/s1) | s1, v] = v^2, L(x) = -(2/tau) log x.

    tau        years, T2 - T1
    """

    axis1: Axis
    axisV: Axis
    axis2: Axis
    tau: float

    @property
    def axes(self):
        """The three axes in order."""
        return self.axis1, self.axisV, self.axis2

    @property
    def shape(self):
        """(n1, nV, n2)."""
        return tuple(map(len, self.axes))

    @property
    def contracts(self):
        """Names of all instruments, axis by axis."""
        return tuple(axis.contract(j) for axis in self.axes for j in range(len(axis.kind)))

    def log_contract(self, x):
        """L(x) = -(2/tau) log x, variance a year."""
        return -2.0 / self.tau * np.log(x)

    @property
    def admissible(self):
        """(n1, nV) whether some law on the nodes of s2 has mean s1 and variance v^2, with 2% to spare on both sides.

        The variance of a law on the nodes is least on the two neighbours of s1 and largest on the two ends (L is convex).
        """
        s1, v, s2 = (axis.x for axis in self.axes)
        L2, L1 = self.log_contract(s2), self.log_contract(s1)
        least = np.interp(s1, s2, L2) - L1
        largest = np.interp(s1, s2[[0, -1]], L2[[0, -1]]) - L1
        inside = (s1 > s2[0]) & (s1 < s2[-1])
        room = (v[None, :] ** 2 > (1 + EDGE) * least[:, None]) & (v[None, :] ** 2 < (1 - EDGE) * largest[:, None])
        return room & inside[:, None]

    @classmethod
    def from_laws(cls, mu1: Marginal, muV: Marginal, mu2: Marginal, tau):
        """Full-law form: the masses of three grids are the targets (see `marginals.grid`)."""
        length = np.gradient(np.asarray(mu2.x))
        axes = (Axis.of_law(m, law) for m, law in zip(MARKETS[:2], (mu1, muV), strict=True))
        return cls(*axes, Axis.of_law(MARKETS[2], mu2, weight=length), float(tau))

    @classmethod
    def from_strikes(cls, mu1: Mixture, muV: Mixture, mu2: Mixture, tau, *, strikes, n=NODES):
        """Market-strike form with exact targets: the laws' prices at the given strikes and both forwards.

        strikes    three arrays, in units of S1, V, S2
        """
        laws = (mu1, muV, mu2)
        prices = [on_strikes(law.otm, np.asarray(k, float)) / float(law.mean()) for law, k in zip(laws, strikes, strict=True)]
        return cls._on_nodes(laws, tau, n, strikes, prices, prices)

    @classmethod
    def from_quotes(cls, laws: Laws, *, n=None):
        """Market-strike form with every retained quote as an interval; nodes and prior from the fitted laws.

        n          nodes of s1, v, s2; as many as the quotes need unless given
        refuses    nodes that leave some butterfly, worth something at the quotes, without a node inside: ValueError naming its strike
        """
        return cls._quoted(laws, n)

    @classmethod
    def end_to_end(cls, windows: Sequence[Laws], *, n=None) -> list["JointProblem"]:
        """Problems of a chain: S at the start of a window sits on the nodes on which the one before ends, and has a law instead of quotes.

        windows    laws of successive triples; that law is a placeholder here, the fitted one: whoever solves the chain replaces it
        n          nodes of s1, v, s2 in the first window, of v and s2 in the others; as many as the quotes need unless given
        refuses    windows that are not end to end; nodes of S at a start from which no late node can be reached: ValueError
        """
        found = [cls._quoted(windows[0], n)]
        for early, laws in zip(windows, windows[1:], strict=False):
            if str(laws.triple.spx1) != str(early.triple.spx2):
                raise ValueError(f"a window starts with {laws.triple.spx1}, the one before ends with {early.triple.spx2}")
            late = found[-1].axis2
            mass = np.maximum(late.weight * on_strikes(early.mu2.density, late.x), 1e-300)
            found.append(cls._quoted(laws, n and (len(mass), *n[1:]), Marginal.from_masses("mu1", late.x, mass / mass.sum())))
            if (lost := ~found[-1].admissible.any(axis=1)).any():
                at, x2 = late.x[lost][0], found[-1].axis2.x
                raise ValueError(f"{laws.triple}: S starts at {at:.4f}, which no nodes of its end ({x2[0]:.4f} to {x2[-1]:.4f}) can serve")
        return found

    @classmethod
    def _quoted(cls, laws, n, mu1=None):
        smiles: tuple[Smile, ...] = (laws.triple.spx1, laws.triple.vix, laws.triple.spx2)
        forwards = (1.0, laws.triple.vix.forward / 100, 1.0)
        strikes = [smile.k * forward for smile, forward in zip(smiles, forwards, strict=True)]
        quotes = [s.bid for s in smiles], [s.ask for s in smiles]
        counts = list(NODES if n is None else n)
        for _ in range(LIMIT):
            problem = cls._on_nodes(tuple(laws), laws.tau, counts, strikes, *quotes, mu1=mu1)
            blind = [_blind(axis, SIGHT if n is None else 1.0) for axis in problem.axes]
            if all(spot is None for spot in blind):
                return problem
            if n is not None:
                break
            counts = [int(np.ceil(FINER * count)) if spot is not None else count for count, spot in zip(counts, blind, strict=True)]
        axis, at = next((axis, spot) for axis, spot in zip(problem.axes, blind, strict=True) if spot is not None)
        raise ValueError(f"{axis.contract(at)}: {len(axis)} nodes cannot tell this quote from its neighbours; ask for more nodes")

    @classmethod
    def _on_nodes(cls, laws, tau, n, strikes, bids, asks, mu1=None):
        spans = span(laws[0] if mu1 is None else mu1), span(laws[1])
        late = late_span(*spans, tau)
        if mu1 is not None:
            ends, usual = (float(mu1.x[0]), float(mu1.x[-1])), ROOMY * float(laws[1].mean())
            late = tuple(f(*pair) for f, pair in zip((min, max), zip(late, late_span(ends, (usual, usual), tau), strict=True), strict=True))
        reach = (*spans, late)
        axes = []
        for market, law, count, k, bid, ask, ends in zip(MARKETS, laws, n, strikes, bids, asks, reach, strict=True):
            if mu1 is not None and market == MARKETS[0]:
                axes.append(Axis.of_law(market, mu1))
                continue
            x, dx = nodes(law, count, strikes=k, reach=ends)
            late = market == MARKETS[2]
            weight = dx if late else dx * on_strikes(law.density, x)
            weight = weight if late else weight / weight.sum()
            axes.append(Axis.of_options(market, x, weight, float(law.mean()), k, bid, ask, carry=not late))
        return cls(*axes, float(tau))


def _blind(axis: Axis, sight):
    """A quote that no law on the axis' nodes can meet; none where the law itself is given."""
    return None if (axis.kind == "N").all() else blind_spot(axis.x, *_options(axis), sight=sight)


def _options(axis: Axis):
    """Strikes in units of x; mid prices out of the money and of calls, half-spreads, per forward."""
    options = axis.kind != "F"
    strike, mid = axis.strike[options], axis.mid[options]
    return strike, mid, mid + np.maximum(1 - strike / axis.forward, 0.0), axis.half_spread[options]
