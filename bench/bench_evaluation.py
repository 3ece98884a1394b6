"""One evaluation of the bridge's dual with its gradient: what bounds it, operations or bytes, and what single precision would cost."""

from dataclasses import replace
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from clock import measure

from smilebridge import continuous, models
from smilebridge.continuous import flow

GRIDS = continuous.QUICK[-1], continuous.MEDIUM[-1], continuous.FULL[-1]
SIDE, LONG, TIMES = 1536, 2**25, 8  # of a square matrix, of a vector, how often: what the machine itself does with them


def _posed():
    """Experiment (ii), where spot and volatility are correlated: its quotes, the weights found on the first grid, bridges by grid."""
    setup = models.EXPERIMENTS["ii"]
    quotes = continuous.Quotes.of_market(models.quoted_market(setup))
    found = continuous.calibrate(setup.reference, quotes, setup.T1, setup.T2)
    for level in GRIDS:
        bridge, _ = continuous.posed(setup.reference, quotes, setup.T1, setup.T2, level)
        yield (level.nx, level.ny, level.nd), bridge, jnp.asarray(found.theta), quotes.units(setup.T1, setup.T2)


def _counted(bridge, theta):
    """Floating-point operations and bytes of the compiled evaluation. The compiler counts the body of a loop once, whatever its length.

    So: without loops, and with the loop of one interval or of the other, three steps long; each body then times its number of turns.
    """

    def cost(first, second):
        short = replace(bridge, first=replace(bridge.first, count=first), second=replace(bridge.second, count=second))
        arrays, rest = eqx.partition(short, eqx.is_array)
        run = jax.jit(lambda arrays, theta: jax.value_and_grad(eqx.combine(arrays, rest).loss)(theta))
        said = run.lower(arrays, theta).compile().cost_analysis()
        return np.array([said["flops"], said["bytes accessed"]])

    plain = cost(1, 1)
    turns = bridge.first.count - 1, bridge.second.count - 1
    return plain + turns[0] * (cost(3, 1) - plain) + turns[1] * (cost(1, 3) - plain)


def bench_machine():
    """What the device reaches: GFLOP/s of a matrix product in double and single precision, GB/s of reading and writing a long vector."""
    rates = {}
    for name, dtype in (("matmul64_gflops", jnp.float64), ("matmul32_gflops", jnp.float32)):
        a = jnp.ones((SIDE, SIDE), dtype)
        rates[name] = 2e-9 * SIDE**3 / measure(jax.jit(jnp.matmul), a, a)["run_s"]
    walk = jax.jit(lambda z: jax.lax.fori_loop(0, TIMES, lambda _, z: 1.0 - 0.5 * z, z))
    return {**rates, "copy_gbs": 16e-9 * LONG * TIMES / measure(walk, jnp.ones(LONG))["run_s"]}


def bench_bound():
    """Operations and bytes as the compiler counts them, over the time: bytes count every operand, in a cache or not."""
    rows = []
    for grid, bridge, theta, _ in _posed():
        timed = measure(continuous.loss_and_errors, bridge, theta, repeats=3)
        flops, moved = (1e-9 * float(z) for z in _counted(bridge, theta))
        speed = {"gflop": flops, "gbytes": moved, "gflops": flops / timed["run_s"], "gbs": moved / timed["run_s"]}
        rows.append({"grid": grid, **timed, **speed, "flop_a_byte": flops / moved})
        print(rows[-1], flush=True)
    return {"rows": rows}


def bench_single():
    """float32 against float64 at the same weights: error of the dual (nats) and of prices (bp of volatility), and how much faster.

    All in single: sums over e^u underflow, for u differs by more than its 87 nats within three blocks of y. Mixed: these sums in double.
    """
    rows = []
    for grid, bridge, theta, unit in _posed():
        arrays, rest = eqx.partition(bridge, eqx.is_inexact_array)
        single = eqx.combine(jax.tree.map(_halved, arrays), rest), _halved(theta)
        loss, error = continuous.loss_and_errors(bridge, theta)
        run = measure(continuous.loss_and_errors, bridge, theta, repeats=3)["run_s"]
        for name, tilt in (("single", flow._tilt), ("mixed", _in_double)):
            with mock.patch.object(flow, "_tilt", tilt):
                evaluate = eqx.filter_jit(lambda bridge, theta: jax.value_and_grad(bridge.loss)(theta))
                timed, (less, off) = measure(evaluate, *single, repeats=3), evaluate(*single)
            bp = 1e4 * float(np.abs((np.asarray(off, float) - np.asarray(error)) / unit).max())
            rows.append({"grid": grid, "precision": name, "dual": float(less - loss), "bp": bp, "faster": run / timed["run_s"]})
            print(rows[-1], flush=True)
    return {"rows": rows}


def _halved(z):
    return z.astype(jnp.complex64 if jnp.iscomplexobj(z) else jnp.float32)


def _in_double(u, kernel, tilt=flow._tilt):
    return tilt(u.astype(jnp.float64), kernel.astype(jnp.float64)).astype(u.dtype)
