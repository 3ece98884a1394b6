"""The linear programme over joint laws, by columns: each is a node (s1, v) with one kernel, priced out over all nodes at once."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from .kernels import Kernels
from .problem import Axis, JointProblem

VIX = ("quoted", "free", "none")
SOLVER = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
ROADS = (("highs-ipm", True), ("highs-ds", True), ("highs-ds", False))  # method, presolve: the next where HiGHS ends without an answer
ROUNDS = 100  # of columns, at most
IMPROVES = 1e-13  # reduced cost above which a column is left out
FAITHFUL = 1e-10  # largest violation of its conditions, of order one each, that a column may have
KEPT = 1000  # columns that stay from round to round, those that carry mass and then the cheapest


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Pieces that a joint law may be made of: unit mass at a node (s1, v), spread over s2 by a kernel of few atoms.

    node       (C,) index into `Kernels`
    atoms      (C, d) indices of s2
    weights    (C, d) masses that the kernel puts there
    """

    node: np.ndarray
    atoms: np.ndarray
    weights: np.ndarray

    def __len__(self):
        return len(self.node)

    def __add__(self, other):
        return Columns(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__slots__))

    def __getitem__(self, at):
        return Columns(*(getattr(self, name)[at] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """What is minimised: E[payoff] + sum cost |price - mid| / unit + the common fraction, which bounds the misses that share it.

    payoff     array that broadcasts to (n1, nV, n2)
    cost       (m,) of a miss of one unit
    room       (m,) largest miss allowed, in units
    shared     (m,) whether the common fraction bounds the miss
    """

    payoff: np.ndarray
    cost: np.ndarray
    room: np.ndarray
    shared: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Optimum:
    """A law, the amounts of the instruments that prove that no law does better, and how well the two agree.

    value      reached by the law
    bound      below the value of every law on the nodes
    amounts    (m,) which with cash and deltas pay at most the payoff
    columns    the pieces on offer, C of them
    mass       (C,) of each in the law
    """

    value: float
    bound: float
    amounts: np.ndarray
    columns: Columns
    mass: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """A `JointProblem` with its kernels, ready to be optimised.

    vix        "quoted"; "free": the VIX exists and is not quoted; "none": there is no VIX, martingality alone
    mid        (m,) per forward
    unit       (m,) in which a miss counts: the half-spread, or one forward where the target is exact
    exact      (m,) where bid and ask agree
    far        (n2,) weight of a node of s2 in the conditions; its mass is solved for in units of 1 / far: HiGHS drops entries below 1e-9
    """

    problem: JointProblem
    vix: str
    kernels: Kernels
    mid: np.ndarray
    unit: np.ndarray
    exact: np.ndarray
    far: np.ndarray

    @classmethod
    def of(cls, problem: JointProblem, vix: str = "quoted"):
        """Kernels at every node that can carry one; without VIX the axis of v shrinks to one node."""
        if vix not in VIX:
            raise ValueError(f"vix: need one of {', '.join(VIX)}, got {vix!r}")
        s1, v, s2 = (axis.x for axis in problem.axes)
        if len(s2) < 3:
            raise ValueError(f"{problem.axis2.market}: need three nodes at least, got {len(s2)}")
        kernels = Kernels.without_vix(s1, s2) if vix == "none" else Kernels.with_vix(s1, v, s2, problem.tau)
        if not len(kernels):
            raise ValueError(f"no law on the nodes of {problem.axis2.market} has mean s1 and variance v^2 at any node")
        if vix != "quoted":
            problem = replace(problem, axisV=_unquoted(problem.axisV, slice(0, 1) if vix == "none" else slice(None)))
        mid, half = (np.concatenate([getattr(axis, name) for axis in problem.axes]) for name in ("mid", "half_spread"))
        return cls(problem, vix, kernels, mid, np.where(half == 0, 1.0, half), half == 0, np.abs(kernels.rows).max(axis=(0, 2)))

    def potentials(self, amounts):
        """u1 (n1,), uV (nV,), u2 (n2,): what the amounts pay at the nodes, per forward."""
        cuts = np.cumsum([len(axis.kind) for axis in self.problem.axes])[:-1]
        return [axis.payoff @ part for axis, part in zip(self.problem.axes, np.split(amounts, cuts), strict=True)]

    def at_nodes(self, payoff):
        """(N, n2) an array that broadcasts to (n1, nV, n2), at the nodes that carry kernels."""
        return np.broadcast_to(payoff, self.problem.shape)[self.kernels.i, self.kernels.j]

    def first(self) -> Columns:
        """A narrow and a wide kernel at each node."""
        cube = np.abs(self.kernels.rows[:, :, 1]) ** 3
        found = [self.kernels.cheapest(sign * cube, self.kernels.start) for sign in (1.0, -1.0)]
        narrow, wide = (Columns(np.arange(len(self.kernels)), atoms, weights) for atoms, weights, _ in found)
        return narrow + wide

    def priced(self, amounts) -> Columns:
        """The kernel at each node on which the amounts pay most."""
        _, _, u2 = self.potentials(amounts)
        atoms, weights, _ = self.kernels.cheapest(-u2[None, :] + np.zeros((len(self.kernels), 1)), self.kernels.start)
        sound = np.flatnonzero(self.kernels.misses(atoms, weights) < FAITHFUL)
        return Columns(sound, atoms[sound], weights[sound])

    def minimum(self, aim: Aim, columns: Columns, *, gap: float, enough=(-np.inf, np.inf)) -> Optimum:
        """The programme over all kernels: solve over the columns, add each node's cheapest kernel if it would help, until none does.

        columns    to start from: they must carry a law that the aim allows
        gap        between value and bound, in units of the aim
        enough     (low, high): a value below low, or a bound above high, ends the search too
        """
        kernels, payoff, atoms = self.kernels, self.at_nodes(aim.payoff), self.kernels.start
        best, lowest, margin = (-np.inf, None), np.inf, np.where(np.isfinite(aim.room), aim.room, 0.0) * self.unit
        for last in range(ROUNDS - 1, -1, -1):
            value, mass, amounts, cash = self._restricted(aim, columns, payoff)
            u1, uV, u2 = self.potentials(amounts)
            atoms, weights, plane = kernels.cheapest(payoff - u2[None, :], atoms)
            reach = plane[:, 0] - u1[kernels.i] - uV[kernels.j]
            bound = float(reach.min() + amounts @ self.mid - np.abs(amounts) @ margin)
            best = max(best, (bound, amounts), key=lambda entry: entry[0])
            wanted = np.flatnonzero((reach < cash - IMPROVES) & (kernels.misses(atoms, weights) < FAITHFUL))
            settled = value - best[0] <= gap or value < enough[0] or best[0] > enough[1]
            if settled or not len(wanted) or not last:
                break
            if value < lowest - gap:
                columns, lowest = columns[self._cheapest(columns, mass, payoff, amounts)], value
            columns = columns + Columns(wanted, atoms[wanted], weights[wanted])
        return Optimum(value, *best, columns, mass)

    def _cheapest(self, columns, mass, payoff, amounts):
        """Which pieces stay: those that carry mass, then those that cost least beyond what the amounts pay on them."""
        u1, uV, u2 = self.potentials(amounts)
        late = (payoff[columns.node[:, None], columns.atoms] - u2[columns.atoms]) * columns.weights
        dear = late.sum(axis=1) - u1[self.kernels.i[columns.node]] - uV[self.kernels.j[columns.node]]
        return np.argsort(np.where(mass > 0, -np.inf, dear), kind="stable")[:KEPT]

    def _restricted(self, aim, columns, payoff):
        """Value, masses of the columns, amounts (duals of the prices) and cash (dual of the total mass)."""
        size, links, prices = len(columns), sum(self.problem.shape), len(self.mid)
        expected = (payoff[columns.node[:, None], columns.atoms] * columns.weights).sum(axis=1)
        low = np.r_[np.zeros(size), np.full(links, -np.inf), np.zeros(2 * prices + 1)]
        high = np.r_[np.full(size + links, np.inf), aim.room, aim.room, np.inf]
        pick = sparse.identity(prices, format="csr")[aim.shared]
        blank, ones = sparse.csr_matrix((pick.shape[0], size + links)), sparse.csr_matrix(np.ones((pick.shape[0], 1)))
        shared = sparse.hstack([blank, pick, pick, -ones], format="csc") if pick.shape[0] else None
        value, x, dual = _solved(
            np.r_[expected, np.zeros(links), aim.cost, aim.cost, 1.0],
            A_eq=self._rows(columns),
            b_eq=np.r_[np.zeros(links), 1.0, self.mid],
            A_ub=shared,
            b_ub=None if shared is None else np.zeros(shared.shape[0]),
            bounds=np.stack([low, high], axis=1),
        )
        return value, x[:size], dual[links + 1 :], float(dual[links])

    def _rows(self, columns):
        """Equalities: masses at the nodes of the axes, total mass, prices.

        Unknowns: masses of the columns (C,), masses at the nodes (n1 + nV + n2,), misses above and below (m,), the fraction.
        """
        kernels, (n1, nV, n2) = self.kernels, self.problem.shape
        size, d = columns.atoms.shape
        row = np.concatenate([kernels.i[columns.node], n1 + kernels.j[columns.node], (n1 + nV + columns.atoms).ravel()])
        column = np.concatenate([np.arange(size), np.arange(size), np.repeat(np.arange(size), d)])
        entry = np.concatenate([np.ones(2 * size), (columns.weights * self.far[columns.atoms]).ravel()])
        pieces = sparse.csr_matrix((entry, (row, column)), shape=(n1 + nV + n2, size))
        scale = sparse.diags(1 / np.r_[np.ones(n1 + nV), self.far])
        payoffs = sparse.block_diag([axis.payoff.T for axis in self.problem.axes]) @ scale
        each, last = sparse.diags(self.unit), sparse.csr_matrix((len(self.mid), 1))
        total = sparse.csr_matrix(np.ones((1, size)))
        links = [pieces, -sparse.identity(n1 + nV + n2), None, None, None]
        return sparse.bmat([links, [total, None, None, None, None], [None, payoffs, -each, each, last]], format="csc")


def _solved(cost, **rows):
    """Value, unknowns and duals of the equalities; another road where HiGHS gives up (it answers "Not Set" or "Unknown" at times)."""
    for method, presolve in ROADS:
        answer = linprog(cost, **rows, method=method, options={**SOLVER, "presolve": presolve})
        if answer.x is not None:
            return float(answer.fun), answer.x, answer.eqlin.marginals
    raise AssertionError(f"the restricted programme has no answer: {answer.message}")


def _unquoted(axis: Axis, kept) -> Axis:
    """The axis without instruments, on some of its nodes."""
    x, none = axis.x[kept], np.zeros(0)
    return Axis(axis.market, x, axis.weight[kept], axis.forward, np.zeros(0, str), none, np.zeros((len(x), 0)), none, none)
