"""A strict world, so that lenient code fails here first; fixtures that every stage shares."""

import os
import zlib
from pathlib import Path

import hypothesis
import jax
import numpy as np
import pytest

import nbval_keep  # noqa: F401  (what nbval has run need not be run again; see the module)
import nbval_tol  # noqa: F401  (teaches nbval tolerance; see the module)

ROOT = Path(__file__).resolve().parents[1]
CACHE = str(ROOT / "_build" / "jax-cache")
KERNELS = {  # for the kernels that nbval starts; the book's own have the same
    "JAX_PLATFORMS": "cpu",
    "JAX_COMPILATION_CACHE_DIR": CACHE,
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TQDM_DISABLE": "1",
}
for name, value in KERNELS.items():
    os.environ.setdefault(name, value)

jax.config.update("jax_platforms", os.environ["JAX_PLATFORMS"])
jax.config.update("jax_compilation_cache_dir", CACHE)
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

hypothesis.settings.register_profile("house", derandomize=True, deadline=None, max_examples=50, database=None)
hypothesis.settings.load_profile("house")

DATA = ROOT.parent / "shared" / "data"
DAY = DATA / "2023-02-15"


@pytest.fixture
def key(request):
    """A typed key fixed by the test's name: reordering or -k changes nothing."""
    return jax.random.key(zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture
def within_error():
    """Monte Carlo never meets a hand-picked tolerance: `within_error(sample, target)` asks for `sigmas` standard errors."""

    def check(sample, target, *, sigmas=4.0):
        sample = np.asarray(sample)
        error = sample.std(ddof=1) / np.sqrt(sample.size)
        assert abs(sample.mean() - target) < sigmas * error, f"off by {abs(sample.mean() - target) / error:.1f} standard errors"

    return check


@pytest.fixture
def data_day():
    """The folder with the raw tables of 2023-02-15, which lies beside the project and not in it."""
    if not DAY.is_dir():
        pytest.skip("the raw quotes of 2023-02-15 (../shared/data) are not on this machine")
    return DAY


@pytest.fixture
def root():
    """The project's folder."""
    return ROOT
