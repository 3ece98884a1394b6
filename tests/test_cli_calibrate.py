"""calibrate, price, bounds: exit codes, records equal to what the library says, laws saved and priced, portfolios where none exists."""

import subprocess
import sys

import jax.numpy as jnp
import numpy as np
import pytest

import chains
from said import one_line, strict
from smilebridge import arbitrage, cli, discrete, market
from smilebridge.cli.claims import claim
from smilebridge.cli.door import Code

AGREE = 0.725  # brings the VIX of the plain chain to what its SPX smiles say
LEGS = ["SPX T1", "VIX T1", "SPX T2"]
KEYS = {"status", "solver", "steps", "seconds", "grid", "defects", "quotes"}
KEYS |= {"vix_future", "identity", "forward_start", "entropy", "arbitrage"}
EXISTING = "law.npz"


def chain(folder, *, name="chain.csv", vix=AGREE, late_vol=1.0):
    """The plain chain, its VIX strikes and future scaled, and the vols of its last SPX expiry."""
    table = chains.plain()
    table.loc[table["market"] == "VIX", ["strike", "forward"]] *= vix
    table.loc[(table["market"] == "SPX") & (table["expiry"] == "2023-04-14"), ["bid_iv", "ask_iv"]] *= late_vol
    return chains.write(table, folder / name)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """A chain calibrated once: (code, stdout, stderr, record, folder)."""
    folder = tmp_path_factory.mktemp("calibrated")
    outputs = ["--json", "out.json", "--save", EXISTING, "--plot", "out.png"]
    command = [sys.executable, "-m", "smilebridge.cli", "calibrate", str(chain(folder)), *outputs]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    record = strict(folder / "out.json") if (folder / "out.json").exists() else {}
    return done.returncode, done.stdout, done.stderr, record, folder


def test_good_chain_is_calibrated_and_says_so_quietly(calibrated):
    code, out, err, _, _ = calibrated
    assert (code, err) == (Code.DONE, "")
    assert "calibrated: one law of (S1, V, S2), all 101 quotes inside bid-ask" in " ".join(out.split())


def test_output_is_plain_and_fits_80_columns(calibrated):
    out = calibrated[1]
    assert "\x1b" not in out
    assert "…" not in out, "a cell was cut"
    assert max(map(len, out.splitlines())) <= 80


def test_output_names_what_was_asked_for(calibrated):
    heads = ("newton: converged", "grid", "support", "defects", "VIX future", "forward variance", "entropy", "Forward-start", "verdict")
    assert not [word for word in (*LEGS, *heads) if word not in calibrated[1]]


def test_record_has_the_promised_keys(calibrated):
    record = calibrated[3]
    assert set(record) >= KEYS
    assert record["status"] == "converged"
    assert set(record["seconds"]) >= {"compile", "solve"}
    assert set(record["defects"]) == {"mu1", "muV", "mu2", "martingale", "dispersion"}
    assert record["arbitrage"] is None
    assert len(record["grid"]) == 3


def test_every_defect_is_within_tolerance(calibrated):
    assert max(calibrated[3]["defects"].values()) <= 1e-10


def test_every_quote_of_the_chain_is_there_and_inside(calibrated):
    record, folder = calibrated[3], calibrated[4]
    snapshot = market.load(folder / "chain.csv")
    triple = market.select(snapshot, "2023-03-15")
    for leg, smile in zip(LEGS, (triple.spx1, triple.vix, triple.spx2), strict=True):
        rows = [row for row in record["quotes"] if row["market"] == leg]
        np.testing.assert_allclose([row["strike"] for row in rows], smile.strikes)
        np.testing.assert_allclose([row["bid_iv"] for row in rows], smile.bid_iv)
        assert all(row["inside"] and row["bid_iv"] <= row["model_iv"] <= row["ask_iv"] for row in rows)


def test_future_and_identity_are_met(calibrated):
    record = calibrated[3]
    assert record["vix_future"]["model"] == pytest.approx(record["vix_future"]["bid"], rel=1e-10)
    assert record["vix_future"]["bid"] == record["vix_future"]["ask"]
    assert record["identity"]["EV2"] == pytest.approx(record["identity"]["forward_variance"], rel=1e-9)


def test_forward_start_prices_lie_within_their_bounds(calibrated):
    bounded = [row for row in calibrated[3]["forward_start"] if row["lower_bound"] is not None]
    assert len(bounded) >= 3
    for row in bounded:
        assert row["lower_bound"] <= row["price"] <= row["upper_bound"]
        assert row["lower_bound"] < row["upper_bound"]


def test_saved_law_says_what_the_record_says(calibrated):
    record, folder = calibrated[3], calibrated[4]
    law, header = discrete.opened(folder / EXISTING)
    strikes = jnp.array([row["strike"] for row in record["forward_start"]])
    np.testing.assert_allclose(law.forward_start(strikes), [row["price"] for row in record["forward_start"]], rtol=1e-12)
    assert float(law.entropy()["total"]) == pytest.approx(record["entropy"], rel=1e-12)
    assert header.day == record["day"]
    assert "chain.csv" in header.source


def test_picture_is_a_png_and_nothing_else_is_left_behind(calibrated):
    folder = calibrated[4]
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["chain.csv", EXISTING, "out.json", "out.png"]


# price


def test_price_is_the_law_s_expectation(calibrated, tmp_path, capsys):
    folder = calibrated[4]
    asked = ["--payoff", "forward-start-call", "--strike", "1.0", "--json", str(tmp_path / "p.json")]
    assert cli.main(["price", str(folder / EXISTING), *asked]) == Code.DONE
    record = strict(tmp_path / "p.json")
    law = discrete.load(folder / EXISTING)
    assert record["price"] == pytest.approx(float(law.expect(arbitrage.PAYOFFS["forward-start-call"](1.0))), rel=1e-12)
    assert record["implied_vol"] == pytest.approx(float(law.forward_start_iv(jnp.array([1.0]))[0]), rel=1e-9)
    assert f"{record['price']:.8f} forwards" in capsys.readouterr().out


def test_vix_claims_are_in_points(calibrated, tmp_path):
    """The price of a quoted call has a volatility inside its bid-ask."""
    folder, record = calibrated[4], calibrated[3]
    row = next(row for row in record["quotes"] if row["market"] == "VIX T1" and row["strike"] > record["vix_future"]["bid"])
    asked = ["--payoff", "vix-call", "--strike", str(row["strike"]), "--json", str(tmp_path / "p.json")]
    assert cli.main(["price", str(folder / EXISTING), *asked]) == Code.DONE
    assert strict(tmp_path / "p.json")["implied_vol"] == pytest.approx(row["model_iv"], rel=1e-6)


@pytest.mark.parametrize("name", sorted(arbitrage.PAYOFFS))
def test_every_named_payoff_has_a_price_or_says_what_it_lacks(calibrated, capsys, name):
    code = cli.main(["price", str(calibrated[4] / EXISTING), "--payoff", name])
    out, err = capsys.readouterr()
    assert (code == Code.DONE and "price" in out) or (code == Code.UNUSABLE and "--strike is needed" in err)


BAD_CLAIMS = {
    "unknown": (["--payoff", "forward-start-cal"], "did you mean forward-start-call? there are forward-start-call"),
    "python": (["--payoff", "lambda s1, v, s2: s2"], "there are forward-start-call"),
    "no strike": (["--payoff", "vix-call"], "--strike is needed"),
    "a strike too many": (["--payoff", "straddle", "--strike", "1"], "straddle has none"),
    "decimals": (["--payoff", "vix-call", "--strike", "0.2"], "VIX strikes are in points, 20 perhaps"),
    "negative": (["--payoff", "forward-start-call", "--strike", "-1"], "a positive number is needed"),
    "no number": (["--payoff", "forward-start-call", "--strike", "one"], "--strike"),
}


@pytest.mark.parametrize(("options", "said"), BAD_CLAIMS.values(), ids=BAD_CLAIMS)
def test_bad_claims_are_one_line(calibrated, capsys, options, said):
    assert cli.main(["price", str(calibrated[4] / EXISTING), *options]) == Code.UNUSABLE
    assert said in one_line(capsys)


@pytest.mark.parametrize("content", [b"", b"no law", b"PK\x03\x04 cut"], ids=["empty", "text", "cut"])
def test_file_that_is_no_law_is_named(tmp_path, capsys, content):
    (tmp_path / "bad.npz").write_bytes(content)
    assert cli.main(["price", str(tmp_path / "bad.npz"), "--payoff", "straddle"]) == Code.UNUSABLE
    assert "bad.npz: no law of smilebridge" in one_line(capsys)


def test_missing_law_is_named(tmp_path, capsys):
    assert cli.main(["price", str(tmp_path / "none.npz"), "--payoff", "straddle"]) == Code.UNUSABLE
    assert "none.npz" in one_line(capsys)


def test_claims_in_points_and_decimals_are_the_same_claim():
    named = claim("vix-put", 20.0)
    v = np.array([0.1, 0.3])
    np.testing.assert_allclose(named.scale * named.payoff(0.2)(None, v, None), [10.0, 0.0])


# bounds


def test_bounds_hold_the_law_s_price_and_name_their_legs(calibrated, tmp_path, capsys):
    record, folder = calibrated[3], calibrated[4]
    asked = ["--payoff", "forward-start-call", "--strike", "1.0", "--quotes", "8", "--grid", "12,8,20", "--json", str(tmp_path / "b.json")]
    assert cli.main(["bounds", str(folder / "chain.csv"), *asked]) == Code.DONE
    found = strict(tmp_path / "b.json")
    price = next(row["price"] for row in record["forward_start"] if row["strike"] == 1.0)
    assert found["lower"] < price < found["upper"]
    assert found["gap"] < 1e-9
    assert found["superhedge"]["price"] == pytest.approx(found["upper"], rel=1e-12)
    assert found["subhedge"]["price"] == pytest.approx(-found["lower"], rel=1e-12)
    said = " ".join(capsys.readouterr().out.split())
    assert found["superhedge"]["legs"][0]["contract"] in said
    assert f"costs between {found['lower']:.8f} and {found['upper']:.8f} forwards" in said


BAD_BOUNDS = {
    "support in words": (["--support", "wide"], "--support wide: six numbers are needed"),
    "support upside down": (["--support", "1.5,0.5,9,90,0.3,1.8"], "each from low to high"),
    "grid": (["--grid", "4,4"], "--grid 4,4: three counts are needed"),
    "vix": (["--vix", "some"], "--vix"),
}


@pytest.mark.parametrize(("options", "said"), BAD_BOUNDS.values(), ids=BAD_BOUNDS)
def test_bad_options_of_bounds_are_one_line(capsys, options, said):
    assert cli.main(["bounds", "calm", "--payoff", "straddle", *options]) == Code.UNUSABLE
    assert said in one_line(capsys)


def test_payoff_of_the_vix_without_vix_is_refused(tmp_path, capsys):
    assert cli.main(["bounds", str(chain(tmp_path)), "--payoff", "vix-future", "--vix", "none"]) == Code.UNUSABLE
    assert "the payoff depends on v" in one_line(capsys)


# exit codes 2, 3


BAD_OPTIONS = {
    "no chain": (["nowhere.csv"], "nowhere.csv: neither a file, nor a folder"),
    "solver": (["calm", "--solver", "magic"], "--solver"),
    "grid in words": (["calm", "--grid", "fine"], "--grid fine: three counts are needed, e.g. 60,40,80"),
    "grid too small": (["calm", "--grid", "2,2,2"], "each count must lie between 3 and"),
    "expiries": (["calm"], "choose --vix-expiry from"),
    "no npz": (["calm", "--save", "law.txt"], "--save law.txt: a name ending in .npz is needed"),
}


@pytest.mark.parametrize(("options", "said"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options_of_calibrate_are_one_line(capsys, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["calibrate", *options]) == Code.UNUSABLE
    assert said in one_line(capsys)


def test_grid_that_cannot_carry_the_quotes_names_one(tmp_path, capsys):
    assert cli.main(["calibrate", str(chain(tmp_path)), "--grid", "12,8,14"]) == Code.UNUSABLE
    assert "--grid 12,8,14: " in one_line(capsys)


def test_calendar_arbitrage_ends_the_matter_before_any_solver(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(arbitrage.JointProblem, "from_quotes", lambda *a, **k: pytest.fail("nothing to solve"))
    outputs = ["--json", str(tmp_path / "out.json"), "--save", str(tmp_path / EXISTING)]
    assert cli.main(["calibrate", str(chain(tmp_path, late_vol=0.6)), *outputs]) == Code.ARBITRAGE
    record = strict(tmp_path / "out.json")
    assert set(record) >= KEYS
    assert record["arbitrage"]["price"] < 0
    assert not (tmp_path / EXISTING).exists()
    assert "law.npz not written" in capsys.readouterr().err


def test_joint_arbitrage_prints_its_portfolio(tmp_path, capsys):
    """A VIX future above the root of any forward variance that the SPX quotes allow."""
    options = ["--wings", "basis", "--json", str(tmp_path / "out.json")]
    assert cli.main(["calibrate", str(chain(tmp_path, vix=1.2)), *options]) == Code.ARBITRAGE
    record = strict(tmp_path / "out.json")
    assert record["status"] != "converged"
    against = record["arbitrage"]
    assert against["price"] < 0
    assert against["worst_payoff"] >= 1e-3 * against["price"]
    assert any(leg["contract"].startswith("VIX T1") for leg in against["portfolio"])
    assert "the portfolio that wins is above" in " ".join(capsys.readouterr().out.split())


# the real day


@pytest.mark.parametrize(("expiry", "quotes"), [("2023-03-15", 187), pytest.param("2023-06-21", 494, marks=pytest.mark.slow)])
def test_real_triple_is_calibrated_inside_every_bid_ask(data_day, tmp_path, capsys, expiry, quotes):
    options = ["--vix-expiry", expiry, "--no-bounds", "--json", str(tmp_path / "out.json")]
    assert cli.main(["calibrate", str(data_day), *options]) == Code.DONE
    record = strict(tmp_path / "out.json")
    assert sum(row["inside"] for row in record["quotes"]) == quotes == len(record["quotes"])
    assert max(record["defects"].values()) <= 1e-10
