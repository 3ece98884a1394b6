"""Inks, numbers in prose, tables: the same in every run, legible on both pages."""

import matplotlib
import pytest

from smilebridge import figures

PAPERS = {"light": "#ffffff", "dark": "#121212"}


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("paper", PAPERS.values(), ids=list(PAPERS))
@pytest.mark.parametrize("ink", figures.INK)
def test_ink_stands_out_on_both_pages(ink, paper):
    dark, light = sorted([luminance(figures.INK[ink]), luminance(paper)])
    assert (light + 0.05) / (dark + 0.05) >= (4.0 if ink == "text" else 3.0)


def test_style_is_the_shipped_sheet_and_draws_in_the_order_of_the_laws():
    with matplotlib.rc_context():
        figures.use_style()
        drawn = [entry["color"] for entry in matplotlib.rcParams["axes.prop_cycle"]]
        assert [f"#{c.lstrip('#')}" for c in drawn[:3]] == [figures.INK[law] for law in ("mu1", "muV", "mu2")]
        assert matplotlib.rcParams["svg.hashsalt"] == "smilebridge"


@pytest.mark.parametrize(("value", "fmt", "text"), [(1.23456, ".2f", "1.23"), ("calm", "", "calm"), (7, "d", "7")])
def test_say_glues_the_formatted_text(monkeypatch, value, fmt, text):
    said = {}
    monkeypatch.setattr("myst_nb.glue", lambda key, words, display: said.update({key: words}))
    figures.say("key", value, fmt)
    assert said == {"key": text}


def test_say_takes_scalar_arrays(monkeypatch):
    import jax.numpy as jnp
    import numpy as np

    said = {}
    monkeypatch.setattr("myst_nb.glue", lambda key, words, display: said.update({key: words}))
    figures.say("jax", jnp.array(0.5), ".1f")
    figures.say("numpy", np.float64(0.25), ".2f")
    assert said == {"jax": "0.5", "numpy": "0.25"}


def test_say_refuses_silence():
    with pytest.raises(ValueError, match="nothing to say"):
        figures.say("key", "")


def test_table_is_numbers_in_text_and_escaped_in_html():
    table = figures.Table([{"law": "a<b", "n": 3, "miss": 0.125}], formats={"miss": ".2f"})
    assert str(table) == "law  n  miss\na<b  3  0.12"
    assert '<td class="word">a&lt;b</td><td class="number">3</td><td class="number">0.12</td>' in table._repr_html_()
    assert table._repr_html_() == table._repr_html_()


def test_table_refuses_a_format_without_column():
    with pytest.raises(KeyError, match="mis"):
        figures.Table([{"miss": 1.0}], formats={"mis": ".2f"})


def test_turntable_brings_no_script_from_elsewhere():
    import plotly.graph_objects as go

    drawing = figures.Turntable(go.Figure(go.Surface(z=[[0.0, 1.0], [1.0, 0.0]])), "saddle", "a saddle")
    html = drawing._repr_html_()
    assert "src=" not in html
    assert 'id="turntable-saddle"' in html
    assert html == drawing._repr_html_()
    assert repr(drawing) == "[a saddle]"
