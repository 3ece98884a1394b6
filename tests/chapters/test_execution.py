"""What is run again, what is left alone, what is refused."""

import pytest


@pytest.fixture
def ran(call):
    """Executes and says whether the chapter was run."""

    def execute(root, *options):
        done = call(root, "execute", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return "ran" in done.stdout

    return execute


def test_only_what_changed_is_run_again(small, call, put, ran):
    assert ran(small)
    page = small / "_build" / "quick" / "site" / "book" / "01_one.ipynb"
    first = page.read_bytes()
    assert not ran(small)
    put(small / "lib" / "law.py", "MASS = 2\n")
    assert call(small, "check").returncode == 1
    assert ran(small)
    assert call(small, "check").returncode == 0
    assert len(page.read_bytes()) == len(first)


def test_equal_runs_give_equal_bytes(small, ran):
    page = small / "_build" / "quick" / "site" / "book" / "01_one.ipynb"
    ran(small)
    first = page.read_bytes()
    assert ran(small, "--force")
    assert page.read_bytes() == first


def test_own_chain_reaches_the_chapter_and_its_content_counts(small, put, ran):
    quotes = small / "my quotes"
    put(quotes / "spx.csv", "strike\n1\n")
    assert ran(small, "--chain", str(quotes))
    assert str(quotes) in (small / "_build" / "quick" / "site" / "book" / "01_one.ipynb").read_text()
    assert not ran(small, "--chain", str(quotes))
    put(quotes / "spx.csv", "strike\n2\n")
    assert ran(small, "--chain", str(quotes))


def test_failure_names_the_cell_and_leaves_no_page(small, call, put, chapter_text):
    put(small / "book" / "01_one.md", chapter_text(title="One", parameters='n = 2\nchain = "calm"', code="assert n == 2, 'n is wrong'"))
    done = call(small, "execute")
    assert done.returncode == 1
    assert "n is wrong" in done.stderr
    assert "01_one" in done.stderr
    assert "\x1b" not in done.stderr
    assert not (small / "_build" / "quick" / "site" / "book" / "01_one.ipynb").exists()


def test_parameter_that_no_cell_declares_is_refused(small, call, put):
    put(small / "book" / "profiles" / "quick.yml", "01_one: {m: 3}\n")
    done = call(small, "execute")
    assert done.returncode == 2
    assert "01_one declares no parameter m" in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--chain", "no/such/folder"), "no such file"),
        (("--chain", "quotes.csv"), "no such file"),
        (("--budget", "enormous"), "choose one of quick, full"),
    ],
)
def test_unusable_wish_is_one_line(small, call, options, words):
    done = call(small, "execute", *options)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_killed_write_leaves_the_old_page(tmp_path, monkeypatch):
    import nbformat

    from smilebridge.chapters import normal

    page = tmp_path / "page.ipynb"
    normal.write(nbformat.v4.new_notebook(), page)
    before = page.read_bytes()

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        normal.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]), page)
    assert page.read_bytes() == before


def test_stored_form_keeps_words_and_drops_pictures():
    from nbformat import v4

    from smilebridge.chapters import normal

    pictures = {"image/png": "x", "application/papermill.record/image/svg+xml": "x", "text/html": "<div class='plotly-graph-div'>"}
    data = {**pictures, "text/plain": "1.25"}
    cell = v4.new_code_cell("1", outputs=[v4.new_output("display_data", data=data)])
    kept = normal.stored(v4.new_notebook(cells=[cell])).cells[0].outputs[0].data
    assert dict(kept) == {"text/plain": "1.25"}
