"""The third form of the theorem: some coupling of mu1 and muV is, with L(S1) + V^2, before (S2, L(S2)) in convex order."""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from .problem import JointProblem

TOL_BARYCENTRE = 1e-8  # least total miss that counts as none: forwards, and variance in units of E[V^2]


@dataclass(frozen=True, slots=True, eq=False)
class Coupling:
    """Strassen's theorem in the plane, measured.

    ordered    Law(S1, L(S1) + V^2) precedes Law(S2, L(S2)) in convex order for the coupling found
    miss       least of E|E[S2 | S1, V] - S1| + E|E[L(S2) | S1, V] - L(S1) - V^2| / E[V^2] over all couplings and all kernels to mu2
    nu         (n1, nV) the coupling of mu1 and muV that attains it
    """

    ordered: bool
    miss: float
    nu: np.ndarray


def coupling(problem: JointProblem) -> Coupling:
    """Whether a coupling nu of mu1 and muV has Law(S1, L(S1) + V^2) <=_convex Law(S2, L(S2)); full-law form.

    By Strassen's theorem that is a kernel from nu to mu2 with barycentre (s1, L(s1) + v^2). All three laws are met exactly here and the
    barycentres may miss, the other way round than in `existence`; one programme over all nodes at once, solved as it stands.
    refuses    the market-strike form; total masses that differ
    see        book 04_arbitrage; Guyon (2024), Theorem 2.3; Strassen (1965)
    """
    if any((axis.kind != "N").any() for axis in problem.axes):
        raise ValueError("coupling: the full-law form is needed; its targets are masses at nodes")
    (n1, nV, n2), (s1, v, s2) = problem.shape, (axis.x for axis in problem.axes)
    mu1, muV, mu2 = (axis.mid for axis in problem.axes)
    early = problem.log_contract(s1)[:, None] + v[None, :] ** 2
    unit = float(muV @ v**2)
    mean = (s2[None, :] - np.repeat(s1, nV)[:, None]).ravel()
    variance = ((problem.log_contract(s2)[None, :] - early.reshape(-1, 1)) / unit).ravel()
    one = lambda n: sparse.csr_matrix(np.ones((1, n)))
    each, node = sparse.identity, sparse.kron(sparse.identity(n1 * nV), one(n2), format="csr")
    laws = [sparse.kron(each(n1), one(nV * n2)), sparse.kron(one(n1), sparse.kron(each(nV), one(n2))), sparse.kron(one(n1 * nV), each(n2))]
    miss = each(n1 * nV)
    rows = sparse.bmat(
        [[sparse.vstack(laws), None, None, None, None]]
        + [[node @ sparse.diags(mean), -miss, miss, None, None], [node @ sparse.diags(variance), None, None, -miss, miss]],
        format="csc",
    )
    cost = np.r_[np.zeros(n1 * nV * n2), np.ones(4 * n1 * nV)]
    answer = linprog(cost, A_eq=rows, b_eq=np.r_[mu1, muV, mu2, np.zeros(2 * n1 * nV)], method="highs-ds")
    if answer.x is None:
        raise ValueError(f"coupling: no law has the three marginals; their masses must agree ({answer.message})")
    return Coupling(bool(answer.fun <= TOL_BARYCENTRE), float(answer.fun), (node @ answer.x[: n1 * nV * n2]).reshape(n1, nV))
