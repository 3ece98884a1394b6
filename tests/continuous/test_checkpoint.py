"""A calibration that is cut off goes on from where it stood and ends at the same weights, to the last bit."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smilebridge import models
from smilebridge.continuous import CheckpointError, Level, Quotes, calibrate
from smilebridge.continuous.checkpoint import FILE, Checkpoint, named
from smilebridge.continuous.climb import Standing

T1, T2 = 0.17, 0.25
K1, K2 = np.array([0.9, 1.0, 1.1]), np.array([0.88, 1.0, 1.12])
LEVELS = (Level(32, 24, 1, (4, 2)), Level(48, 32, 1, (6, 3)))
PRIOR = models.LognormalVol.of(k=1.5, m=0.2, nu=0.8, rho=-0.3, a0=0.2, low=0.05, high=0.8)
QUOTES = Quotes(K1, np.array([0.0079, 0.0332, 0.0042]), K2, np.array([0.0088, 0.0401, 0.0056]))
KILLED = """
import os, signal, sys
from pathlib import Path
import jax
jax.config.update("jax_enable_x64", True)
sys.path.insert(0, {tests!r})
from test_checkpoint import LEVELS, PRIOR, QUOTES, T1, T2, calibrate

def told(level, standing, error):
    if level == LEVELS[-1] and standing.steps[-1] == 2:
        os.kill(os.getpid(), signal.SIGKILL)

calibrate(PRIOR, QUOTES, T1, T2, levels=LEVELS, checkpoint=Path({folder!r}), told=told)
"""


class CutOffError(Exception):
    """Power has gone."""


class Watched:
    """A calibration that is told on, and cut off when told for the n-th time."""

    def __init__(self, cut=np.inf):
        self.cut, self.heard = cut, []

    def __call__(self, level, standing, error):
        self.heard.append((level, standing, error))
        if len(self.heard) == self.cut:
            raise CutOffError


def calibrated(folder=None, told=None, **changes):
    quotes, options = changes.pop("quotes", QUOTES), {"levels": LEVELS} | changes
    return calibrate(PRIOR, quotes, T1, T2, checkpoint=folder, told=told or Watched(), **options)


@pytest.fixture(scope="module")
def whole():
    """Never cut off, nothing kept."""
    told = Watched()
    return calibrated(told=told), told.heard


def same(found, whole):
    np.testing.assert_array_equal(found.theta, whole.theta)
    np.testing.assert_array_equal(found.error, whole.error)
    assert (found.dual, found.steps, found.evaluations) == (whole.dual, whole.steps, whole.evaluations)


def test_it_is_told_where_the_climb_stands(whole):
    found, heard = whole
    assert found.met
    assert [level for level in LEVELS for told, *_ in heard if told is level] == [level for level, *_ in heard]
    assert len(heard) == sum(found.steps) + len(LEVELS)
    assert max(found.steps) > 2
    level, standing, error = heard[-1]
    assert (level, standing.steps, standing.evaluations) == (LEVELS[-1], found.steps, found.evaluations)
    np.testing.assert_allclose(error, found.error, atol=1e-12)


@pytest.mark.parametrize("cut", ["at the start", "on the first grid", "before the last grid", "on the last grid", "at the end"])
def test_cut_off_it_goes_on_to_the_same_weights(tmp_path, whole, cut):
    found, heard = whole
    first = found.steps[0] + 1
    at = {"at the start": 1, "on the first grid": 2, "before the last grid": first, "on the last grid": first + 2, "at the end": len(heard)}
    with pytest.raises(CutOffError):
        calibrated(tmp_path, Watched(at[cut]))
    rest = Watched()
    same(calibrated(tmp_path, rest), found)
    assert len(rest.heard) == len(heard) - at[cut] + 1, "it began again, or skipped"
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_cut_off_again_and_again_it_still_arrives(tmp_path, whole):
    found, heard = whole
    cuts = 0
    for _ in heard:
        try:
            same(calibrated(tmp_path, Watched(3)), found)
            break
        except CutOffError:
            cuts += 1
    assert cuts >= 2


def test_killed_it_goes_on_to_the_same_weights(tmp_path, whole):
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    rest = Watched()
    same(calibrated(tmp_path, rest), whole[0])
    assert rest.heard[0][1].steps[-1] == 2


def test_a_file_that_was_being_written_does_no_harm(tmp_path, whole):
    calibrated(tmp_path)
    (tmp_path / f".{FILE}.part").write_bytes(b"half a fi")
    same(calibrated(tmp_path), whole[0])


def test_what_is_kept_is_read_back_to_the_last_bit(tmp_path):
    rng = np.random.default_rng(0)
    standing = Standing(rng.normal(size=3), rng.normal(size=(3, 3)), 0.1, (3, 0), (4, 1))
    kept = Checkpoint.of(tmp_path / "new" / "folder", {"quotes": "three"})
    assert kept.read() is None
    assert kept.keep(standing) is standing
    for found, told in zip(kept.read(), standing, strict=True):
        np.testing.assert_array_equal(found, told)
        assert type(found) is type(told)


OTHERS = {
    "quotes": ({"quotes": replace(QUOTES, price1=QUOTES.price1 * (1 + 1e-15))}, r"quotes 6 options, SHA-256 \w+, expected 6 options"),
    "levels": ({"levels": LEVELS[1:]}, r"levels .*\(32, 24, 1, \(4, 2\)\).*, expected \(\(48, 32, 1, \(6, 3\)\)\)$"),
    "delta": ({"delta": (400.0, 50.0)}, r"delta \(\S+, \S+\), expected \(400.0, 50.0\)$"),
    "reach": ({"reach": 1.2}, "reach None, expected 1.2$"),
}


@pytest.mark.parametrize(("change", "said"), OTHERS.values(), ids=OTHERS)
def test_a_checkpoint_of_another_problem_is_refused_by_what_differs(tmp_path, change, said):
    with pytest.raises(CutOffError):
        calibrated(tmp_path, Watched(1))
    with pytest.raises(CheckpointError, match=rf"{FILE}: of another problem: {said}"):
        calibrated(tmp_path, **change)


def test_another_reference_is_another_problem():
    other = models.LognormalVol.of(k=1.5, m=0.2, nu=0.8, rho=-0.3, a0=0.2, low=0.05, high=0.9)
    assert named(PRIOR, QUOTES) != named(other, QUOTES)
    assert named(PRIOR, QUOTES)["quotes"] == named(other, QUOTES)["quotes"]
    assert "high=0.9" in named(other, QUOTES)["reference"]


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut"], ids=["empty", "text", "cut"])
def test_a_file_that_is_no_checkpoint_is_refused_by_name(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(CheckpointError, match=f"{FILE}: no checkpoint of a calibration, or damaged"):
        calibrated(tmp_path)
