"""Pages are drawn when something changed, swapped in whole, and never with a warning in them."""


def site(root, put):
    """The settings that Jupyter Book wants."""
    put(root / "_config.yml", "title: Small\nexecute: {execute_notebooks: 'off'}\nonly_build_toc_files: true\n")
    put(root / "book" / "references.bib", "")


def test_pages_are_drawn_once_and_a_bad_page_leaves_the_old_ones(small, call, put, chapter_text):
    site(small, put)
    first = call(small, "render")
    assert first.returncode == 0, first.stdout + first.stderr
    page = small / "_build" / "quick" / "html" / "book" / "01_one.html"
    assert "3 calm" in page.read_text()
    assert (small / "_build" / "quick" / "html" / "index.html").exists()

    assert call(small, "render").stdout.count("fresh") == 2

    put(small / "book" / "01_one.md", chapter_text(title="One {eq}`nowhere`", parameters='n = 2\nchain = "calm"', code="n"))
    broken = call(small, "render")
    assert broken.returncode == 1
    assert "nowhere" in broken.stderr
    assert "3 calm" in page.read_text()
