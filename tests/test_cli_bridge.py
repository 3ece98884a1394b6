"""bridge: an experiment calibrated and simulated, records equal to what the library says, a run that is killed and goes on, refusals."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import chains
from said import one_line, strict
from smilebridge import cli, continuous, market, models
from smilebridge.cli import bridged, instruments
from smilebridge.cli.clock import Clock, covered
from smilebridge.cli.door import Code
from smilebridge.cli.posed import Posed

LEGS = {"SPX T1": 15, "VIX T1": 11, "SPX T2": 15}
SMALL = ["--experiment", "i", "--grid", "48,32,8", "--paths", "2000"]
KEYS = {"status", "seconds", "grid", "steps", "instruments", "vix_future", "dual", "entropy", "martingale_z", "dispersion_z"}
ROW = {"market", "strike", "target_iv", "model_iv", "mc_iv", "mc_se"}


def started(folder, *options):
    command = [sys.executable, "-m", "smilebridge.cli", "bridge", *SMALL, *options]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Experiment (i) on a small grid, once: code, stdout, stderr, record, folder."""
    folder = tmp_path_factory.mktemp("bridge")
    process = started(folder, "--json", "out.json", "--plot", "out.png", "--checkpoint", "kept")
    out, err = process.communicate()
    record = strict(folder / "out.json") if (folder / "out.json").exists() else {}
    return SimpleNamespace(code=process.returncode, out=out, err=err, record=record, folder=folder)


def test_an_experiment_is_calibrated_and_says_so_quietly(done):
    assert (done.code, done.err) == (Code.DONE, "")
    assert "calibrated: all 41 options and the future within" in " ".join(done.out.split())


def test_output_is_plain_and_fits_80_columns(done):
    assert "\x1b" not in done.out
    assert "…" not in done.out, "a cell was cut"
    assert max(map(len, done.out.splitlines())) <= 80


def test_output_names_what_was_asked_for(done):
    heads = ("source", "reference", "bounds", "Largest errors", "VIX future", "dual", "entropy", "martingale", "dispersion", "verdict")
    assert not [word for word in (*LEGS, *heads) if word not in done.out]


def test_record_has_the_promised_keys(done):
    record = done.record
    assert set(record) >= KEYS
    assert all(set(row) >= ROW for row in record["instruments"])
    assert {leg: sum(row["market"] == leg for row in record["instruments"]) for leg in LEGS} == LEGS
    assert set(record["vix_future"]) == {"target", "model", "mc", "mc_se"}
    assert set(record["entropy"]) == {"value", "se"}
    assert set(record["seconds"]) >= {"compile", "solve", "monte_carlo"}
    assert (record["status"], record["grid"], record["paths"]) == ("converged", [48, 32, 8], 2000)


def test_record_holds_what_the_library_says(done):
    """The checkpoint of a finished run is its answer."""
    experiment = models.EXPERIMENTS["i"]
    quotes, levels = continuous.Quotes.of_market(models.quoted_market(experiment)), bridged.ladder(continuous.QUICK, (48, 32, 8))
    found = continuous.calibrate(experiment.reference, quotes, experiment.T1, experiment.T2, levels=levels, checkpoint=done.folder / "kept")
    record, rows = done.record, done.record["instruments"]
    assert record["dual"] == pytest.approx(found.dual, rel=1e-12)
    assert (record["steps"], record["evaluations"]) == (sum(found.steps), list(found.evaluations))
    one, two, vix = (np.asarray(vol) for vol in quotes.vols(experiment.T1, experiment.T2))
    np.testing.assert_allclose([row["target_iv"] for row in rows], np.concatenate([one, vix, two]), rtol=1e-12)
    error = np.concatenate(instruments.by_leg(quotes, found.error)[:3])
    np.testing.assert_allclose([row["model_iv"] - row["target_iv"] for row in rows], error, atol=1e-7)
    assert record["vix_future"]["model"] == pytest.approx(100 * (quotes.future + found.error[-1]), rel=1e-12)
    assert [row["strike"] for row in rows if row["market"] == "VIX T1"] == pytest.approx(100 * quotes.kV)
    assert record["reference"]["high"] == float(experiment.reference.high)


def test_paths_agree_with_their_grid(done):
    """A coarse grid's bias is allowed for; the standard errors are those of 2,000 paths."""
    off = [abs(row["mc_iv"] - row["model_iv"]) / (row["mc_se"] + 20e-4) for row in done.record["instruments"]]
    assert np.median(off) < 2
    assert all(row["mc_se"] > 0 for row in done.record["instruments"])
    assert abs(done.record["martingale_z"]) < 5
    assert done.record["entropy"]["value"] == pytest.approx(done.record["dual"], rel=0.25)


def test_picture_is_a_png_and_nothing_else_is_left_behind(done):
    assert (done.folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in done.folder.iterdir()) == ["kept", "out.json", "out.png"]
    assert [path.name for path in (done.folder / "kept").iterdir()] == ["calibration.npz"]


@pytest.mark.slow  # the library's own is killed in test_checkpoint
def test_killed_it_goes_on_to_the_same_answer(done, tmp_path):
    kept = tmp_path / "kept" / "calibration.npz"
    process = started(tmp_path, "--json", "out.json", "--checkpoint", "kept")
    while process.poll() is None and not kept.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it was over before it could be killed"
    with np.load(kept) as standing:
        assert standing["steps"][-1] < done.record["steps"], "nothing was left to do"
    again = started(tmp_path, "--json", "out.json", "--checkpoint", "kept")
    again.communicate()
    assert again.returncode == Code.DONE
    timeless = lambda record: {key: value for key, value in record.items() if "seconds" not in key}
    assert timeless(strict(tmp_path / "out.json")) == timeless(done.record)


# refusals


def test_a_checkpoint_of_another_problem_is_refused_by_what_differs(done, capsys):
    assert cli.main(["bridge", "--experiment", "i", "--grid", "32,32,8", "--checkpoint", str(done.folder / "kept")]) == Code.UNUSABLE
    said = one_line(capsys)
    assert "calibration.npz: of another problem: levels ((48, 32, 8, (6, 3))), expected ((32, 32, 8, (6, 3)))" in said


BAD_OPTIONS = {
    "no market": ([], "either a CHAIN of quotes or --experiment i, ii or iii is needed"),
    "two markets": (["calm", "--experiment", "i"], "is needed, not both"),
    "no such experiment": (["--experiment", "iv"], "--experiment"),
    "no such reference": (["--experiment", "i", "--reference", "sabr"], "'sabr' is not one of 'lognormal', 'square-root', 'bergomi'"),
    "no such budget": (["--experiment", "i", "--budget", "huge"], "--budget"),
    "a date": (["--experiment", "i", "--vix-expiry", "2023-03-15"], "--vix-expiry: an experiment has dates of its own"),
    "a basis": (["--experiment", "i", "--wings", "basis"], "--wings: an experiment has dates of its own, and meets the identity"),
    "two counts": (["--experiment", "i", "--grid", "64,48"], "--grid 64,48: three counts are needed"),
    "few paths": (["--experiment", "i", "--paths", "3"], "--paths"),
    "no such chain": (["nowhere.csv"], "nowhere.csv: neither a file, nor a folder"),
    "no folder": (["--experiment", "i", "--checkpoint", "nowhere/kept"], "--checkpoint nowhere/kept: its folder does not exist"),
    "a file": (["--experiment", "i", "--checkpoint", "file"], "--checkpoint file: is not a folder"),
    "one output twice": (["--experiment", "i", "--json", "a.svg", "--plot", "a.svg"], "--json a.svg: would overwrite"),
}


@pytest.mark.parametrize(("options", "said"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options_are_one_line_before_the_work(tmp_path, capsys, monkeypatch, options, said):
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(models, "quoted_market", lambda *a, **k: pytest.fail("the work had begun"))
    assert cli.main(["bridge", *options]) == Code.UNUSABLE
    assert said in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_folder_without_permission_is_refused(tmp_path, capsys):
    (tmp_path / "kept").mkdir(mode=0o500)
    assert cli.main(["bridge", "--experiment", "i", "--checkpoint", str(tmp_path / "kept")]) == Code.UNUSABLE
    assert "Permission denied" in one_line(capsys)


BAD_GRIDS = {
    "8,8,1": "--grid 8,8,1: each count must lie between 3 and 2000",
    "63,48,16": "--grid 63,48,16: need an even number of nodes of log S",
    "64,6,8": "--grid 64,6,8: need an even number of nodes of log S, and 8 at least",
}


@pytest.mark.parametrize(("grid", "said"), BAD_GRIDS.items(), ids=BAD_GRIDS)
def test_grids_that_cannot_be_are_refused_in_the_library_s_words(capsys, grid, said):
    assert cli.main(["bridge", "--experiment", "i", "--grid", grid]) == Code.UNUSABLE
    assert said in one_line(capsys)


# chains


def test_quoted_arbitrage_prints_its_portfolio_and_stops(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(continuous, "fit", lambda *a, **k: pytest.fail("there is nothing to fit"))
    table = chains.plain()
    table.loc[(table["market"] == "SPX") & (table["expiry"] == "2023-04-14"), ["bid_iv", "ask_iv"]] *= 0.6
    path = chains.write(table, tmp_path / "chain.csv")
    assert cli.main(["bridge", str(path), "--json", str(tmp_path / "out.json"), "--plot", str(tmp_path / "out.png")]) == Code.ARBITRAGE
    record, (out, err) = strict(tmp_path / "out.json"), capsys.readouterr()
    assert set(record) >= KEYS
    assert (record["status"], record["instruments"], record["dual"]) == ("arbitrage", [], None)
    assert record["arbitrage"]["price"] < 0
    assert all(leg["contract"] in out for leg in record["arbitrage"]["portfolio"])
    assert "there is no calibrated model: out.png not written" in err


@pytest.mark.slow
def test_a_day_is_met_inside_its_bid_ask(tmp_path):
    options = ["--vix-expiry", "2023-03-15", "--paths", "2000", "--json", str(tmp_path / "out.json"), "--plot", str(tmp_path / "out.svg")]
    assert subprocess.run([sys.executable, "-m", "smilebridge.cli", "bridge", "2023-02-15", *options], check=False).returncode == Code.DONE
    record = strict(tmp_path / "out.json")
    triple = market.select(market.load("2023-02-15"), "2023-03-15")
    for leg, smile in zip(LEGS, (triple.spx1, triple.vix, triple.spx2), strict=True):
        rows = [row for row in record["instruments"] if row["market"] == leg]
        assert len(rows) > 8
        for row in rows:
            at = int(np.abs(smile.strikes - row["strike"]).argmin())
            assert smile.strikes[at] == pytest.approx(row["strike"])
            assert smile.bid_iv[at] - 1e-4 < row["model_iv"] < smile.ask_iv[at] + 1e-4
    assert record["vix_future"]["model"] == pytest.approx(triple.vix.forward, abs=0.01)
    assert (tmp_path / "out.svg").read_bytes().startswith(b"<?xml")


# what verdicts are made of


def result(error=0.0, *, mc=0.0, martingale_z=0.0, dispersion_z=0.0, steps=5):
    """A calibration of three options and the future with these errors, in units of volatility."""
    one, reference = np.array([1.0]), models.EXPERIMENTS["i"].reference
    quotes = continuous.Quotes(one, 0.03 * one, one, 0.04 * one, 0.2 * one, 0.01 * one, 0.2)
    posed = Posed("test", (), quotes, 0.17, 0.25, (1.0, 100.0, 1.0), {}, reference)
    error, mc = (np.full(4, value) if np.isscalar(value) else np.asarray(value) for value in (error, mc))
    grid = continuous.Grid.of(reference, 0.17, 0.25, nx=8, ny=24, steps=(1, 1))
    bridge = continuous.Bridge.of(reference, quotes, grid, continuous.multipliers(4, 400.0, 60.0))
    found = continuous.Calibrated(reference, quotes, grid, bridge, (400.0, 60.0), np.zeros(4), error, 0.1, (3, steps), (4, steps + 1))
    pairs = np.array([[martingale_z * 1e-3, 1e-3], [0.0, 1e-3]]), np.array([dispersion_z * 1e-3, 1e-3])
    verified = continuous.Verified(mc, np.full(4, 1e-4), *pairs, np.zeros((10, 3)), np.zeros(3), 0.1, 1e-3, 1000)
    return bridged.Bridged(posed, continuous.QUICK, np.zeros(4), found, verified)


def test_status_and_code_are_read_off_the_answer():
    assert (result(4e-5).status, result(4e-5).code) == ("converged", Code.DONE)
    assert (result(6e-5).status, result(6e-5).code) == ("stalled", Code.UNFINISHED)
    assert result(6e-5, steps=bridged.MAX_STEPS).status == "max_steps"
    assert result(np.nan).status == "nonfinite"
    said = "not converged (stalled): 2 of 4 prices are met on 64 x 48 x 16 nodes after 8 steps, the largest error is 0.6 bp of vol"
    assert result([6e-5, 4e-5, 0.0, -6e-5]).verdict == said


def test_paths_that_contradict_are_a_caution():
    assert list(result(mc=2.9e-4).judged.cautions()) == []
    assert [said.split(" off")[0] for said in result(mc=[9e-4, 0, 0, 0]).judged.cautions()] == ["by Monte Carlo SPX T1 is 8.5 bp of vol"]
    assert [said.split(" is")[0] for said in result(mc=[5e-4, 5e-4, 5e-4, 0]).judged.cautions()] == ["by Monte Carlo VIX T1"]
    assert ["VIX future" in said for said in result(mc=[0, 0, 0, -4e-4]).judged.cautions()] == [True]
    assert ["realised variance" in said for said in result(dispersion_z=-3.5).judged.cautions()] == [True]
    assert ["S is off its forward" in said for said in result(martingale_z=3.5).judged.cautions()] == [True]


def test_a_model_whose_paths_break_its_own_rules_is_not_called_calibrated():
    for found in (result(martingale_z=6.0), result(dispersion_z=12.0)):
        assert (found.status, found.code) == ("contradicted", Code.UNFINISHED)
        assert "contradicted by its paths" in found.verdict
    assert result(dispersion_z=8.0).status == "converged", "less than a hundredth"
    assert "; caution: by Monte Carlo realised variance differs from V^2 by +0.80%" in result(dispersion_z=8.0).verdict


def test_coarser_grids_of_the_budget_lead_to_one_s_own():
    quick, full = bridged.ladder(continuous.QUICK, (64, 48, 12)), bridged.ladder(continuous.FULL, (192, 128, 40))
    assert quick == (continuous.QUICK[0], continuous.Level(64, 48, 12, (8, 4)))
    assert full == (*continuous.MEDIUM, continuous.Level(192, 128, 40, (22, 11)))
    for levels in (continuous.FULL, continuous.QUOTED_MEDIUM):
        assert all(bridged.ladder(levels, (level.nx, level.ny, level.nd))[-1] == level for level in levels)


def test_seconds_of_functions_compiled_inside_another_count_once():
    assert covered([]) == 0
    assert covered([(0, 4), (1, 2), (3, 5), (7, 8)]) == 6


def test_compiling_is_told_apart_from_running():
    clock, twice = Clock(), jax.jit(lambda x: jnp.sin(x) @ x)
    for stage in ("first", "second"):
        with clock.stage(stage):
            twice(jnp.ones(7)).block_until_ready()
    assert clock.compiled["first"] > 0 == clock.compiled["second"]
    assert clock.seconds["compile"] == clock.compiled["first"]
    assert min(clock.ran.values()) > 0


def test_the_reference_s_smile_is_by_its_own_future():
    """Prices of one volatility, of a model whose future is not the quoted one."""
    from smilebridge.market import black_otm

    k, F, other, T = np.array([0.15, 0.2005, 0.25]), 0.2, 0.201, 0.17
    put = lambda forward: forward * np.asarray(black_otm(k / forward, np.full(3, 0.8 * T**0.5)))
    turned = np.where(k < F, 0, np.where(k < other, other - k, 0))
    one = np.array([1.0])
    quotes = continuous.Quotes(one, 0.03 * one, one, 0.04 * one, k, put(F), F)
    more = np.concatenate([[0.0, 0.0], put(other) + turned - put(F), [other - F]])
    np.testing.assert_allclose(instruments.vols(quotes, more, (T, 0.25), own=True)[2], 0.8, rtol=1e-9)
    assert replace(quotes, future=F).vols(T, 0.25)[2] == pytest.approx(0.8)
