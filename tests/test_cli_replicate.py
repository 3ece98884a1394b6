"""replicate: the published experiment on a coarse grid, its record against closed form and the library, verdicts, refusals."""

import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import chains
from said import one_line, strict
from smilebridge import cli, market, semimartingale
from smilebridge.cli import judged, meant, replicate_report, replicated
from smilebridge.cli.clock import Clock
from smilebridge.cli.door import Code
from smilebridge.cli.findings import Question
from smilebridge.cli.instruments import by_leg, instruments

ASKED = semimartingale.PUBLISHED
LEGS = {"SPX T1": 7, "VIX TV": 5, "SPX T2": 7}
KEYS = {"status", "seconds", "grid", "steps", "instruments", "vix_future", "dual", "entropy", "martingale_z", "dispersion_z"}
ROW = {"market", "strike", "target_iv", "model_iv", "mc_iv", "mc_se", "target_price", "reference_price", "model_price", "mc_price"}
EXACT = 0.05e-4  # in units of volatility


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One run on a small grid: code, stdout, stderr, record, folder."""
    folder = tmp_path_factory.mktemp("replicate")
    command = [sys.executable, "-m", "smilebridge.cli", "replicate", "--grid", "24,24", "--paths", "2000", "--json", "out.json"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    record = strict(folder / "out.json") if (folder / "out.json").exists() else {}
    return SimpleNamespace(code=ran.returncode, out=ran.stdout, err=ran.stderr, record=record, folder=folder)


def of_leg(record, leg, key):
    return np.array([row[key] for row in record["instruments"] if row["market"] == leg])


def test_the_experiment_is_met_and_says_so_quietly(done):
    assert (done.code, done.err, done.record["status"]) == (Code.DONE, "", "converged")
    assert "calibrated: all 19 options and the future within" in " ".join(done.out.split())
    assert "on 24 x 24 nodes" in " ".join(done.out.split())


def test_output_is_plain_and_fits_80_columns(done):
    assert "\x1b" not in done.out
    assert "…" not in done.out, "a cell was cut"
    assert max(map(len, done.out.splitlines())) <= 80


def test_output_names_what_was_asked_for(done):
    heads = ("source", "market", "reference", "T1 44, TV 49, T2 79 days", "X2 0.009800", "future", "Largest errors", "grids", "dual")
    heads += ("cost", "martingale", "dispersion", "X2 at T2", "verdict", "seconds", "compile")
    assert not [word for word in (*LEGS, *heads) if word not in done.out]


def test_record_has_the_promised_keys(done):
    record = done.record
    assert set(record) >= {*KEYS, "cost", "spent"}
    assert all(set(row) >= ROW for row in record["instruments"])
    assert {leg: len(of_leg(record, leg, "strike")) for leg in LEGS} == LEGS
    assert set(record["vix_future"]) == {"target", "model", "mc", "mc_se"}
    assert set(record["cost"]) == set(record["spent"]) == {"value", "se"}
    assert record["entropy"] is None
    assert set(record["seconds"]) >= {"compile", "solve", "monte_carlo"}
    assert (record["grid"], record["paths"], record["outer"]) == ([24, 24], 2000, [])
    assert record["X2"] == pytest.approx(0.0098, rel=1e-12)


def test_prices_of_market_and_reference_are_those_of_closed_form(done):
    """The reference's VIX future is below all strikes that are calls in the market, and its puts are the market's."""
    dates, record = ASKED.dates, done.record
    for model, kind in ((ASKED.market, "target"), (ASKED.reference, "reference")):
        w0 = float(model.variance(ASKED.v0, dates.T2))
        for leg, T in (("SPX T1", dates.T1), ("SPX T2", dates.T2)):
            np.testing.assert_allclose(of_leg(record, leg, f"{kind}_price"), model.spx_otm(w0, T, ASKED.k), rtol=1e-9)
        future, vix = model.vix_otm(w0, dates.TV, dates.tau, ASKED.kV)
        np.testing.assert_allclose(of_leg(record, "VIX TV", f"{kind}_price"), 100 * vix, rtol=1e-9)
        smiles = semimartingale.Simulated(model, model, dates, ASKED.v0).quotes.vols(dates.T1, dates.T2, dates.TV)
        for leg, smile in zip(("SPX T1", "SPX T2", "VIX TV"), smiles, strict=True):
            np.testing.assert_allclose(of_leg(record, leg, f"{kind}_iv"), smile, rtol=1e-9)
        if kind == "target":
            assert record["vix_future"]["target"] == pytest.approx(100 * future, rel=1e-12)
    assert of_leg(record, "VIX TV", "strike") == pytest.approx(100 * ASKED.kV)


def test_every_instrument_is_met_in_price_and_in_volatility(done):
    for row in done.record["instruments"]:
        assert abs(row["model_iv"] - row["target_iv"]) < 2 * EXACT, row
        assert row["half_iv"] == pytest.approx(0.5e-4)
    assert done.record["vix_future"]["model"] == pytest.approx(done.record["vix_future"]["target"], abs=100 * EXACT)


def test_paths_agree_with_their_grid(done):
    """A coarse grid's bias is allowed for; the standard errors are those of 2,000 paths."""
    rows = done.record["instruments"]
    assert all(abs(row["mc_iv"] - row["model_iv"]) < 4 * row["mc_se"] + 30e-4 for row in rows)
    assert all(row["mc_se"] > 0 and row["mc_price_se"] > 0 for row in rows)
    assert abs(done.record["martingale_z"]) < 4
    for share in ("spent", "dispersion"):
        assert abs(done.record[share]["value"]) < 4 * done.record[share]["se"] + 5e-3
    assert done.record["cost"]["value"] == pytest.approx(done.record["dual"], rel=0.1)


def test_only_the_record_is_left_behind(done):
    assert [path.name for path in done.folder.iterdir()] == ["out.json"]


# refusals

BAD_OPTIONS = {
    "one count": (["--grid", "40"], "--grid 40: two counts are needed, e.g. 40,40"),
    "three counts": (["--grid", "40,40,8"], "--grid 40,40,8: two counts are needed"),
    "no number": (["--grid", "40,x"], "--grid 40,x: two counts are needed"),
    "few nodes": (["--grid", "40,8"], "--grid 40,8: need 12 nodes at least"),
    "many nodes": (["--grid", "40,9999"], "--grid 40,9999: each count must lie between 3 and 2000"),
    "no such budget": (["--budget", "medium"], "'medium' is not one of 'quick', 'full'"),
    "few paths": (["--paths", "3"], "--paths"),
    "less than none": (["--outer", "-1"], "--outer"),
    "no folder": (["--json", "nowhere/out.json"], "--json nowhere/out.json: its folder does not exist"),
    "a folder": (["--json", "."], "--json .: is a folder"),
    "an argument": (["calm"], "calm"),
    "dates of no chain": (["--vix-expiry", "2023-03-15"], "--vix-expiry: needs --data CHAIN"),
    "wings of no chain": (["--wings", "basis"], "--wings: needs --data CHAIN"),
}


@pytest.mark.parametrize(("options", "said"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options_are_one_line_before_the_work(tmp_path, capsys, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(replicated, "solve", lambda *a, **k: pytest.fail("the work had begun"))
    assert cli.main(["replicate", *options]) == Code.UNUSABLE
    assert said in one_line(capsys)
    assert not list(tmp_path.iterdir())


# chains


@pytest.fixture(scope="module")
def day():
    """What is asked of an embedded day, and nothing solved."""
    return meant.of_chain(Question("2023-02-15", "2023-03-15", wings="basis"), Clock(), lambda what: None)


def test_a_day_is_asked_for_by_quotes_that_it_has(day):
    triple = market.select(market.load("2023-02-15"), "2023-03-15")
    quotes = day.posed.quotes
    for k, price, smile, unit in (
        (quotes.k1, quotes.price1, triple.spx1, 1.0),
        (quotes.k2, quotes.price2, triple.spx2, 1.0),
        (quotes.kV, quotes.priceV, triple.vix, triple.vix.forward / 100),
    ):
        at = np.abs(unit * smile.k[None, :] - k[:, None]).argmin(axis=1)
        np.testing.assert_allclose(unit * smile.k[at], k, rtol=1e-12)
        np.testing.assert_allclose(0.5 * unit * (smile.bid + smile.ask)[at], price, rtol=1e-12)
        assert 6 <= len(k) <= 9
    assert quotes.basis < 0, "that day's VIX quotes ask for more variance than its SPX quotes grant"
    assert (day.scale, day.posed.outer) == ((triple.spx1.forward, 100.0, triple.spx2.forward), 5)
    assert day.posed.dates == semimartingale.Dates(triple.spx1.years, triple.spx1.years, triple.spx2.years)


def test_its_reference_is_nearer_than_any_heston_of_the_paper(day):
    posed, quotes = day.posed, day.posed.quotes
    far = semimartingale.mispriced(semimartingale.HestonReference(ASKED.reference), quotes, posed.dates, posed.v0)
    assert np.sqrt((posed.before**2).mean()) < 0.5 * np.sqrt((far**2).mean())
    assert np.abs(posed.before[: len(quotes.k1) + len(quotes.k2)]).max() < 0.02


def test_quoted_arbitrage_stops_before_anything_is_fitted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(semimartingale.posed, "fit", lambda *a, **k: pytest.fail("there is nothing to fit"))
    table = chains.plain()
    table.loc[(table["market"] == "SPX") & (table["expiry"] == "2023-04-14"), ["bid_iv", "ask_iv"]] *= 0.6
    path = chains.write(table, tmp_path / "chain.csv")
    assert cli.main(["replicate", "--data", str(path), "--json", str(tmp_path / "out.json")]) == Code.ARBITRAGE
    assert "calendar arbitrage at the quoted prices of SPX 2023-03-15" in one_line(capsys)
    assert [kept.name for kept in tmp_path.iterdir()] == ["chain.csv"]


@pytest.mark.slow
def test_a_day_is_met_inside_its_bid_ask(tmp_path, data_day):
    options = ["--vix-expiry", "2023-03-15", "--json", str(tmp_path / "out.json"), "--checkpoint", str(tmp_path / "kept")]
    assert cli.main(["replicate", "--data", str(data_day), *options]) == Code.DONE
    record = strict(tmp_path / "out.json")
    for row in record["instruments"]:
        assert abs(row["model_iv"] - row["target_iv"]) < 1.1 * row["half_iv"] + 1e-4, row
        assert abs(row["mc_iv"] - row["model_iv"]) < 4 * row["mc_se"] + 0.2 * row["half_iv"] + 10e-4, row
    assert abs(record["spent"]["value"]) < 4 * record["spent"]["se"] + 5e-3
    assert abs(record["v0"]["model"] - record["v0"]["expected"]) < 3 * record["v0"]["room"]
    assert len(record["outer"]) == 6


# what verdicts are made of


def result(error=0.0, *, mc=0.0, martingale_z=0.0, dispersion=0.0, spent=0.0, steps=5, dual=0.1, growth=0.5):
    """A calibration with these errors, in units of volatility; variances off by shares whose standard error is 0.1%."""
    quotes, dates = ASKED.quotes, ASKED.dates
    grid = semimartingale.Grid.of(dates, 12, 12, domain=semimartingale.Domain.of(quotes, dates, ASKED.v0))
    model = semimartingale.Diffusion(grid, np.zeros((grid.s.size, 3, 12, 12)), ASKED.v0, growth)
    cbar, reference = model.c, semimartingale.HestonReference(ASKED.reference)
    error, mc, zeros = np.broadcast_to(error, 20), np.broadcast_to(mc, 20), np.zeros(20)
    found = semimartingale.Calibrated(reference, quotes, dates, model, cbar, zeros, error, zeros, dual, (3, steps), (4, steps + 1))
    drift = np.array([[martingale_z * 1e-3, 1e-3], [0.0, 1e-3]])
    shares = np.array([dispersion, 1e-3]), np.zeros((10, 3)), np.array([spent, 1e-3])
    verified = semimartingale.Verified(mc, np.full(20, 1e-4), drift, *shares, np.array([0.103, 1e-3]), 0.0, 1000)
    asked = meant.of_experiment(ASKED, Clock(), lambda what: None)
    return replicated.Replicated(asked, semimartingale.QUICK, found, verified, ())


def test_status_and_code_are_read_off_the_answer():
    assert (result(4e-6).status, result(4e-6).code) == ("converged", Code.DONE)
    assert (result(6e-5).status, result(6e-5).code) == ("stalled", Code.UNFINISHED)
    assert result(6e-5, steps=judged.MAX_STEPS).status == "max_steps"
    assert result(np.nan).status == result(dual=np.inf).status == "nonfinite"
    assert result(growth=9.0).code == Code.UNFINISHED
    assert result(6e-5).verdict.startswith("not converged (stalled): 0 of 20 prices are met on 40 x 40 nodes after 8 steps")


def test_paths_that_contradict_are_a_caution_and_far_off_a_refusal():
    assert result(dispersion=2e-3, spent=-2e-3, mc=2.9e-4).verdict.count("caution") == 0
    assert "by Monte Carlo VIX TV is 8.5 bp" in result(mc=9e-4).verdict
    assert "realised up to T2 differs from twice today's X2 by -0.50%, 5.0 standard errors" in result(spent=-5e-3).verdict
    for broken in (result(martingale_z=6.0), result(dispersion=0.02), result(spent=-0.02)):
        assert (broken.status, broken.code) == ("contradicted", Code.UNFINISHED)
    assert result().cost_z == pytest.approx(3.0)


def test_a_broken_model_leaves_a_record_without_numbers(tmp_path):
    from smilebridge.cli.door import Output

    record = replicate_report.as_record(result(np.nan, mc=np.nan, dual=np.nan))
    Output(tmp_path / "out.json").write_json(record)
    kept = strict(tmp_path / "out.json")
    assert (kept["status"], kept["dual"], kept["instruments"][0]["model_iv"]) == ("nonfinite", None, None)


def test_the_reference_is_priced_as_the_market_s_options_are():
    """Between both futures a put of the market is a call of the reference."""
    asked = replace(ASKED, kV=np.array([0.2, 0.285, 0.35]))
    quotes, other = asked.quotes, replace(asked, market=asked.reference).quotes
    assert other.future < 0.285 < quotes.future
    off = semimartingale.posed.departed(asked, quotes) * quotes.units(asked.dates.T1, asked.dates.T2, asked.dates.TV)
    put = quotes.priceV[1] + off[-3]
    assert put == pytest.approx(other.priceV[1] + 0.285 - other.future, rel=1e-12)
    assert off[-1] == pytest.approx(other.future - quotes.future, rel=1e-12)


def test_each_model_smoothed_is_the_next_reference(monkeypatch):
    """What is asked for, without the climbs."""
    seen = []

    def calibrated(reference, *a, **k):
        seen.append(reference)
        return replace(result(1e-6 * len(seen), dual=0.1 / len(seen)).found, reference=reference)

    monkeypatch.setattr(semimartingale.outer, "calibrate", calibrated)
    monkeypatch.setattr(semimartingale, "verify", lambda *a, **k: result().verified)
    found = replicated.solve(ASKED, "quick", grid=(12, 12), outer=2)
    assert [type(reference).__name__ for reference in seen] == ["HestonReference", "SmoothedReference", "SmoothedReference"]
    record = replicate_report.as_record(found)
    assert [turn["dual"] for turn in record["outer"]] == pytest.approx([0.1, 0.05, 0.1 / 3])
    assert [turn["worst"] for turn in record["outer"]] == pytest.approx([0.01, 0.02, 0.03])
    assert record["dual"] == record["outer"][-1]["dual"]


def test_coarser_grids_of_the_budget_lead_to_one_s_own():
    quick, full = semimartingale.QUICK, semimartingale.FULL
    assert replicated.ladder(full) == full
    assert replicated.ladder(full, (40, 40)) == quick
    assert replicated.ladder(quick, (24, 24)) == quick[:1]
    assert replicated.ladder(quick, (30, 24)) == (quick[0], semimartingale.Level(30, 24, (45, 60)))
    assert replicated.ladder(full, (200, 200))[-1] == semimartingale.Level(200, 200, (200, 200))


def test_every_error_stays_with_its_instrument():
    """Errors of paths and grid, all different, come back from the prices and, where they are small, from the volatilities."""
    error, mc = 1e-6 * np.arange(1.0, 21.0), -1e-5 * np.arange(1.0, 21.0)
    record = replicate_report.as_record(result(error, mc=mc))
    found = result(error).found
    for key, off in (("model", error), ("mc", mc)):
        prices, vols = (by_leg(found.quotes, values)[:3] for values in (off * found.units, off))
        for leg, scale, price, vol in zip(LEGS, (1, 100, 1), prices, vols, strict=True):
            np.testing.assert_allclose(of_leg(record, leg, f"{key}_price") - of_leg(record, leg, "target_price"), scale * price, atol=1e-13)
            np.testing.assert_allclose(of_leg(record, leg, f"{key}_iv") - of_leg(record, leg, "target_iv"), vol, rtol=0.05)
        assert record["vix_future"][key] - record["vix_future"]["target"] == pytest.approx(100 * off[-1])


def test_rows_are_in_the_order_of_the_record(done):
    rows = instruments(result().judged)
    assert [(row.market, row.strike) for row in rows] == [(row["market"], row["strike"]) for row in done.record["instruments"]]
