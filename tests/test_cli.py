"""The command line: exit codes, one line of bad news, data equal to what the library says, files written whole or not at all."""

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import chains
from said import one_line, strict
from smilebridge import arbitrage, cli, marginals, market
from smilebridge.cli.door import Code, Output, UnusableError, answer, numerics

AGREE = 0.725  # brings the VIX of the plain chain to what its SPX smiles say
KEYS = {"source", "vix_index", "smiles", "identity", "convex_order"}
SMILE_KEYS = {"market", "expiry", "years", "forward", "quotes", "rejected", "inside", "worst_miss_bp"}
IDENTITY_KEYS = {"EV2", "forward_variance", "gap", "treatment", "moved_bp"}
LEGS = ["SPX T1", "VIX T1", "SPX T2"]


def chain(folder, *, name="chain.csv", vix=AGREE, late_vol=1.0, drop=()):
    """The plain chain with its VIX strikes and future scaled, its last SPX expiry's vols scaled, expiries left out."""
    table = chains.plain()
    table.loc[table["market"] == "VIX", ["strike", "forward"]] *= vix
    table.loc[(table["market"] == "SPX") & (table["expiry"] == "2023-04-14"), ["bid_iv", "ask_iv"]] *= late_vol
    spx = table["market"] == "SPX"
    return chains.write(table[~(spx & table["expiry"].isin(drop))], folder / name)


def two_vix_expiries(folder):
    table = chains.plain()
    later = table[table["market"] == "VIX"].assign(expiry="2023-03-22", years=35 / 365)
    return chains.write(pd.concat([table, later]), folder / "two.csv")


def run(*arguments):
    return cli.main(["check", *map(str, arguments)])


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A chain on one identity, checked once: (code, stdout, stderr, record, folder)."""
    folder = tmp_path_factory.mktemp("checked")
    command = [sys.executable, "-m", "smilebridge.cli", "check", str(chain(folder)), "--json", "out.json", "--plot", "out.png"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr, json.loads((folder / "out.json").read_text()), folder


def test_help_and_version_do_not_wake_the_library():
    look = "import sys; from smilebridge import cli; code = cli.main({}); assert 'jax' not in sys.modules and code == 0"
    for arguments in (["--help"], ["check", "--help"], []):
        done = subprocess.run([sys.executable, "-c", look.format(arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "check" in done.stdout


def test_version_is_the_package_s(capsys):
    from importlib.metadata import version

    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"smilebridge {version('smilebridge')}\n"


def test_help_names_every_exit_code(capsys):
    assert cli.main([]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "0 done, 2 unusable input, 3 the market is arbitrageable (the portfolio is printed), 4 not converged" in said


def test_good_chain_is_done_and_says_so_quietly(checked):
    code, out, err, _, _ = checked
    assert code == Code.DONE
    assert err == ""
    assert "three laws on one identity, all 101 quotes inside bid-ask" in " ".join(out.split())


def test_piped_output_is_plain_and_fits_80_columns(checked):
    _, out, _, _, _ = checked
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out, "a cell was cut"


def test_output_names_source_index_smiles_and_verdict(checked):
    out = checked[1]
    for word in ("chain.csv", "VIX index", *LEGS, "rejected", "settles", "tau", "forward variance", "gap of the free fits", "call 1-delta"):
        assert word in out
    for word in ("treatment", "Necessary conditions", "convex order", "verdict"):
        assert word in out


def test_record_has_the_promised_keys(checked):
    record = strict(checked[4] / "out.json")
    assert set(record) >= KEYS
    assert [smile["market"] for smile in record["smiles"]] == LEGS
    assert all(set(smile) >= SMILE_KEYS for smile in record["smiles"])
    assert set(record["identity"]) >= IDENTITY_KEYS
    assert set(record["convex_order"]) >= {"holds", "worst_gap", "strike"}


def test_record_holds_what_the_library_says(checked):
    record, folder = checked[3], checked[4]
    snapshot = market.load(folder / "chain.csv")
    laws = marginals.from_quotes(snapshot, "2023-03-15")
    necessary = arbitrage.necessary(*laws, laws.tau)
    assert record["source"] == "chain.csv"
    assert record["vix_index"] == pytest.approx(market.vix_index(snapshot).value, rel=1e-12)
    for said, fit in zip(record["smiles"], laws.smiles, strict=True):
        assert {key: said[key] for key in ("expiry", "quotes", "rejected", "inside")} == {
            key: getattr(fit, key) for key in ("expiry", "quotes", "rejected", "inside")
        }
        numbers = ("years", "forward", "worst_miss_bp", "worst_error")
        np.testing.assert_allclose([said[key] for key in numbers], [getattr(fit, key) for key in numbers], rtol=1e-6, atol=1e-9)
    identity = record["identity"]
    assert identity["treatment"] == laws.identity.treatment
    assert identity["EV2"] == pytest.approx(laws.identity.EV2, rel=1e-9)
    assert identity["forward_variance"] == pytest.approx(laws.identity.forward_variance, rel=1e-9)
    assert abs(identity["gap"]) < 1e-10
    assert identity["moved_bp"] == pytest.approx(laws.identity.moved_bp, rel=1e-4)
    assert record["convex_order"]["holds"] is necessary.order.holds is True


def test_record_and_tables_agree(checked):
    out, record = checked[1], checked[3]
    assert f"{record['vix_index']:.2f} points" in out
    assert f"{record['identity']['EV2']:.8f}" in out
    assert f"at most {record['identity']['moved_bp']:.1f}" in out


def test_picture_is_a_png_and_nothing_else_is_left_behind(checked):
    folder = checked[4]
    assert (folder / "out.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["chain.csv", "out.json", "out.png"]


def test_basis_is_asked_for_and_reported_in_the_format_of_the_suffix(tmp_path, capsys):
    assert run(chain(tmp_path, vix=1.0), "--wings", "basis", "--json", tmp_path / "out.json", "--plot", tmp_path / "out.svg") == Code.DONE
    assert (tmp_path / "out.svg").read_bytes().startswith(b"<?xml")
    identity = strict(tmp_path / "out.json")["identity"]
    assert identity["treatment"] == "basis"
    assert identity["basis"] == pytest.approx(identity["forward_variance"] - identity["EV2"])
    assert identity["moved_bp"] == 0.0
    assert identity["refitted"] is False
    said = " ".join(capsys.readouterr().out.split())
    assert f"modelled as a basis of {identity['basis']:+.6f} in variance" in said
    assert "misses the forward variance" not in said
    necessary = strict(tmp_path / "out.json")["necessary"]
    assert necessary["variance_gap"] == pytest.approx(-identity["basis"])
    assert not any("forward variance by" in failure and "E[V^2]" in failure for failure in necessary["failures"])


def test_index_is_null_with_a_note_where_nothing_brackets_30_days(tmp_path, capsys):
    path = chain(tmp_path, drop=("2023-03-15", "2023-03-17"))
    assert run(path, "--wings", "basis", "--json", tmp_path / "out.json") == Code.DONE
    record = strict(tmp_path / "out.json")
    assert record["vix_index"] is None
    assert "both sides of 30 days" in record["vix_index_notes"][0]
    assert "none: chain.csv" in capsys.readouterr().out


# exit code 2


BAD_OPTIONS = {
    "no such command": (["solve"], "No such command 'solve'"),
    "no chain": (["check"], "CHAIN"),
    "no such option": (["check", "calm", "--wing", "basis"], "--wing"),
    "no such wings": (["check", "calm", "--wings", "long"], "--wings"),
    "no such chain": (["check", "nowhere.csv"], "nowhere.csv: neither a file, nor a folder"),
    "no such day": (["check", "2023-02-15", "--day", "2020-01-01"], "not of 2020-01-01"),
    "no date": (["check", "2023-02-15", "--vix-expiry", "March"], "March: write a day as yyyy-mm-dd"),
}


@pytest.mark.parametrize(("arguments", "said"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_options_are_one_line(capsys, arguments, said):
    assert cli.main(arguments) == Code.UNUSABLE
    assert said in one_line(capsys)


BAD_FILES = {
    "junk.csv": (b"\x00\x01\x02\xff\xfe", "junk.csv"),
    "empty.csv": (b"", "empty.csv: the file is empty"),
    "other.csv": (b"a,b\n1,2\n", "other.csv"),
    "junk.parquet": (b"PAR1", "junk.parquet: cannot be read as parquet"),
    "notes.txt": (b"strike", "notes.txt: a quote file ends in"),
    "[red].csv": (b"a,b\n1,2\n", "[red].csv"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_named(tmp_path, capsys, name):
    content, said = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    assert run(tmp_path / name, "--vix-expiry", "2023-03-15") == Code.UNUSABLE
    assert said in one_line(capsys)


def test_bad_rows_are_named(tmp_path, capsys):
    table = chains.plain().astype(object)
    table.loc[5, "expiry"] = "15/03/2023"
    assert run(chains.write(table, tmp_path / "dates.csv")) == Code.UNUSABLE
    assert "dates.csv row 7: expiry is '15/03/2023'" in one_line(capsys)


def test_the_only_vix_expiry_is_taken_and_several_are_listed(tmp_path, capsys):
    assert run(two_vix_expiries(tmp_path)) == Code.UNUSABLE
    assert "two.csv: choose --vix-expiry from 2023-03-15, 2023-03-22" in one_line(capsys)


def test_missing_vix_expiry_lists_those_there_are(tmp_path, capsys):
    assert run(chain(tmp_path), "--vix-expiry", "2023-03-22") == Code.UNUSABLE
    assert "chain.csv: no VIX expiry 2023-03-22; there are: 2023-03-15" in one_line(capsys)


def test_chain_without_vix_is_refused(tmp_path, capsys):
    table = chains.plain()
    assert run(chains.write(table[table["market"] == "SPX"], tmp_path / "spx.csv")) == Code.UNUSABLE
    assert "spx.csv: no VIX expiry" in one_line(capsys)


BAD_OUTPUTS = {
    "a folder": (["--plot", "."], "--plot .: is a folder"),
    "no folder": (["--json", "nowhere/out.json"], "--json nowhere/out.json: its folder does not exist"),
    "below a file": (["--json", "chain.csv/out.json"], "--json chain.csv/out.json: its folder does not exist"),
    "a device": (["--json", os.devnull], "is not a regular file"),
    "no format": (["--plot", "out.gif"], "--plot out.gif: a name ending in .png, .pdf, .svg is needed"),
    "too long": (["--json", "a" * 300 + ".json"], "File name too long"),
    "the input": (["--json", "chain.csv"], "--json chain.csv: would overwrite what is read"),
    "twice": (["--plot", "out.svg", "--json", "out.svg"], "--json out.svg: would overwrite"),
}


@pytest.mark.parametrize(("options", "said"), BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
def test_outputs_are_refused_before_the_work(tmp_path, capsys, monkeypatch, options, said):
    chain(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(market, "load", lambda *a, **k: pytest.fail("the work had begun"))
    assert run("chain.csv", *options) == Code.UNUSABLE
    assert said in one_line(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["chain.csv"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_folder_without_permission_is_refused(tmp_path, capsys):
    tmp_path.chmod(0o500)
    assert run("calm", "--json", tmp_path / "out.json") == Code.UNUSABLE
    assert "Permission denied" in one_line(capsys)


# exit codes 3, 4, 130


def test_quoted_arbitrage_prints_its_portfolio_and_stops(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(marginals, "from_quotes", lambda *a, **k: pytest.fail("nothing to fit"))
    picture = tmp_path / "out.png"
    assert run(chain(tmp_path, late_vol=0.6), "--json", tmp_path / "out.json", "--plot", picture) == Code.ARBITRAGE
    out, err = capsys.readouterr()
    record = strict(tmp_path / "out.json")
    assert set(record) >= KEYS
    assert record["verdict"]["code"] == 3
    assert record["convex_order"]["holds"] is False
    assert record["portfolio"]["price"] == sum(leg["amount"] * leg["price"] for leg in record["portfolio"]["legs"]) < 0
    assert all(leg["contract"] in out for leg in record["portfolio"]["legs"])
    assert record["smiles"][0]["inside"] is None
    assert "out.png was not written" in err
    assert not picture.exists()


def test_arbitrage_between_laws_prints_the_calendar_spread(tmp_path, capsys, monkeypatch):
    won = arbitrage.ConvexOrder(False, -1e-4, 1.01, 0.0, arbitrage.CalendarSpread(1.01, -1e-4))
    monkeypatch.setattr(arbitrage, "necessary", lambda *a: arbitrage.Necessary(won, 0.0, 0.01))
    assert run(chain(tmp_path), "--json", tmp_path / "out.json") == Code.ARBITRAGE
    assert "struck at 1.01" in " ".join(capsys.readouterr().out.split())
    assert strict(tmp_path / "out.json")["convex_order"] == {"holds": False, "worst_gap": -1e-4, "strike": 1.01, "mean_gap": 0.0}


def test_refusal_names_the_remaining_gap_and_the_way_out(tmp_path, capsys):
    assert run(chain(tmp_path, vix=1.0), "--json", tmp_path / "out.json", "--plot", tmp_path / "out.pdf") == Code.UNFINISHED
    said = " ".join(capsys.readouterr().out.split())
    record = strict(tmp_path / "out.json")
    assert record["identity"]["treatment"] == "refused"
    assert f"{record['identity']['gap_at_best']:+.6f} remains inside the bid-ask" in said
    assert "--wings basis" in said
    assert record["smiles"][1]["inside"] == record["smiles"][1]["quotes"]
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


def test_refused_report_tells_one_set_of_laws(tmp_path, capsys, monkeypatch):
    """The free gap is made another than that of the laws that are shown, as where these were refitted for convex order."""
    real = marginals.from_quotes

    def refitted(*arguments, **options):
        laws = real(*arguments, **options)
        moves = {leg: dict.fromkeys(moves, 7.0) for leg, moves in laws.identity.moves_bp.items()}
        return replace(laws, identity=replace(laws.identity, free_gap=0.123456, moves_bp=moves))

    monkeypatch.setattr(marginals, "from_quotes", refitted)
    assert run(chain(tmp_path, vix=1.0), "--json", tmp_path / "out.json") == Code.UNFINISHED
    said = " ".join(capsys.readouterr().out.split())
    record = strict(tmp_path / "out.json")
    assert "0.123456" not in said
    assert "refitted inside bid-ask for convex order alone" in said
    assert record["identity"]["refitted"] is True
    assert f"forward variance is {record['identity']['gap']:+.6f} a year" in said
    assert f"gap of these laws {record['identity']['gap']:+.8f}" in said
    assert record["identity"]["gap"] == record["necessary"]["variance_gap"]


def test_breakdown_of_the_fit_is_not_a_traceback(tmp_path, capsys, monkeypatch):
    def broken(*arguments, **options):
        raise np.linalg.LinAlgError("matrix is singular")

    monkeypatch.setattr(marginals, "from_quotes", broken)
    assert run(chain(tmp_path)) == Code.UNFINISHED
    assert "matrix is singular" in one_line(capsys)


def test_a_bug_keeps_its_traceback(tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise AssertionError("masses negative after projection")

    monkeypatch.setattr(marginals, "from_quotes", broken)
    with pytest.raises(AssertionError, match="masses negative"):
        run(chain(tmp_path))


def test_interruption_is_quiet(capsys, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(market, "load", interrupt)
    assert run("calm") == Code.INTERRUPTED
    assert "".join(capsys.readouterr()).strip() == ""


def test_interruption_waits_for_the_imports():
    began = []

    def interrupted():
        with numerics():
            signal.raise_signal(signal.SIGINT)
            began.append("import")

    assert answer(interrupted) == Code.INTERRUPTED
    assert began == ["import"]


# the door


def test_half_written_output_never_takes_the_place_of_a_file(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def draw(part):
        part.write_text("half")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        Output.at("--plot", path).write(draw)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_numbers_that_are_no_numbers_become_null(tmp_path):
    Output.at("--json", tmp_path / "out.json").write_json({"a": math.nan, "b": [math.inf, 1.5, {"c": -math.inf}], "d": True})
    assert strict(tmp_path / "out.json") == {"a": None, "b": [None, 1.5, {"c": None}], "d": True}


def test_link_is_followed_and_kept(tmp_path):
    (tmp_path / "real.json").write_text("{}")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    Output.at("--json", tmp_path / "link.json").write_json({"a": 1})
    assert (tmp_path / "link.json").is_symlink()
    assert strict(tmp_path / "real.json") == {"a": 1}


def test_refused_output_names_option_and_path(tmp_path):
    with pytest.raises(UnusableError, match=r"--json .*: is a folder"):
        Output.at("--json", tmp_path)


NUMERICS = """
from smilebridge.cli.door import numerics
with numerics():
    import jax
print(jax.config.jax_enable_x64, jax.config.jax_compilation_cache_dir)
"""


@pytest.mark.parametrize("where", ["cache", "file/cache"], ids=["writable", "unwritable"])
def test_compiled_functions_are_kept_where_the_user_may_write(tmp_path, where):
    (tmp_path / "file").touch()
    environment = {name: value for name, value in os.environ.items() if name != "JAX_COMPILATION_CACHE_DIR"}
    environment["XDG_CACHE_HOME"] = str(tmp_path / where)
    done = subprocess.run([sys.executable, "-c", NUMERICS], env=environment, capture_output=True, text=True, check=False)
    kept = tmp_path / "cache" / "smilebridge" / "jax" if where == "cache" else None
    assert done.stdout.split() == ["True", str(kept)], done.stderr
    assert done.stderr == ""


# the real day


@pytest.mark.parametrize(("expiry", "quotes"), [("2023-02-22", 278), ("2023-03-01", 486), ("2023-03-15", 187)])
def test_real_triple_is_met_inside_every_bid_ask(data_day, tmp_path, capsys, expiry, quotes):
    assert run(data_day, "--vix-expiry", expiry, "--json", tmp_path / "out.json") == Code.DONE
    record = strict(tmp_path / "out.json")
    assert record["vix_index"] == pytest.approx(18.23, abs=0.05)
    assert sum(smile["quotes"] for smile in record["smiles"]) == quotes
    assert sum(smile["inside"] for smile in record["smiles"]) == quotes
    assert abs(record["identity"]["gap"]) < 1e-10
    assert record["convex_order"]["holds"]
    assert f"all {quotes} quotes inside bid-ask" in " ".join(capsys.readouterr().out.split())
