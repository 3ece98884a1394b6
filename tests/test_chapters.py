"""Chapters are thin, in one form, free of typed numbers, and their stored outputs belong to today's text."""

import ast
import itertools
import re
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
REFERENCE = ROOT / "tests" / "reference"
PAGES = {p.stem: jupytext.read(p) for p in sorted(BOOK.glob("*.md"))}
EXECUTABLE = [n for n, nb in PAGES.items() if "kernelspec" in nb.metadata]
NUMBERED = [n for n in EXECUTABLE if n[0].isdigit()]
STORY = ["question", "must be true", "check", "learned", "exercises"]
CELL_LINES, CHAPTER_LINES, DEF_LINES, WIDTH = 20, 120, 12, 100
FORBIDDEN = {
    r"\bpip install\b": "environments are made by make env",
    r"\bchdir\b": "a chapter has no place",
    r"\bsys\.path\b": "the library is installed",
    r"%\s*(autoreload|load_ext)": "no hidden state",
    r"\bfigsize\b": "sizes live in the style sheet",
    r"\brcParams\b": "sizes live in the style sheet",
    r"\bset_size_inches\b": "sizes live in the style sheet",
    r"\bwarnings\.(simple)?filter": "warnings are not muted",
    r"https?://": "no downloads",
    r"tqdm\.notebook|ipywidgets": "pages need no network",
    r"smilebridge\.\w+\.\w+ import|from smilebridge\.": "chapters import stages, never modules",
    r"float32": "float64 everywhere",
}


def cells(name, kind):
    return [c for c in PAGES[name].cells if c.cell_type == kind]


def tagged(name, tag):
    return [c for c in cells(name, "code") if tag in c.metadata.get("tags", [])]


def lines(cell):
    return [line for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def setup_cell(name):
    return next(c.source for c in cells(name, "code") if "jax_enable_x64" in c.source)


def prose(name):
    """The page's words: without code, directives' options, formulas, roles, links and quoted names."""
    text = "\n\n".join(c.source for c in cells(name, "markdown"))
    text = re.sub(r"^```\{(code-cell|math|bibliography)[^`]*?^```", " ", text, flags=re.M | re.S)
    text = re.sub(r"\$\$.*?\$\$(\s*\([\w-]+\))?", " ", text, flags=re.S)
    text = re.sub(r"\$[^$\n]+?\$", " ", text)
    text = re.sub(r"\{[\w:+-]+\}`[^`]*`", " ", text)
    text = re.sub(r"`+[^`]*`+", " ", text)
    text = re.sub(r"\]\([^)]*\)", "] ", text)
    return re.sub(r"^\s*:[\w-]+:.*$", " ", text, flags=re.M)


@pytest.mark.parametrize("name", EXECUTABLE)
def test_chapter_is_thin(name):
    sizes = [len(lines(c)) for c in cells(name, "code")]
    assert max(sizes) <= CELL_LINES, f"a cell has {max(sizes)} lines: what deserves a test lives in lib"
    assert sum(sizes) <= CHAPTER_LINES, f"{sum(sizes)} lines of code"


@pytest.mark.parametrize("name", EXECUTABLE)
def test_functions_are_what_the_reader_should_retype(name):
    for cell in cells(name, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno + 1 <= DEF_LINES, node.name


@pytest.mark.parametrize("name", EXECUTABLE)
def test_code_fits_the_page(name):
    wide = [line for c in cells(name, "code") for line in c.source.splitlines() if len(line) > WIDTH]
    assert not wide


@pytest.mark.parametrize("name", EXECUTABLE)
def test_setup_cell_is_everyones(name):
    assert setup_cell(name) == setup_cell(EXECUTABLE[0])
    assert "figures.use_style()" in setup_cell(name)


@pytest.mark.parametrize("name", EXECUTABLE)
def test_chapter_keeps_its_hands_clean(name):
    code = "\n".join(c.source for c in cells(name, "code"))
    found = {reason for pattern, reason in FORBIDDEN.items() if re.search(pattern, code)}
    assert not found


@pytest.mark.parametrize("name", NUMBERED)
def test_story_is_told_in_order(name):
    headings = re.findall(r"^#{2,3} (.+)$", "\n".join(c.source for c in cells(name, "markdown")), flags=re.M)
    places = [next((i for i, h in enumerate(headings) if word in h.lower()), None) for word in STORY]
    assert None not in places, f"headings with {STORY} wanted, found {headings}"
    assert places == sorted(places), headings


@pytest.mark.parametrize("name", NUMBERED)
def test_three_exercises_with_solutions(name):
    text = "\n".join(c.source for c in cells(name, "markdown"))
    asked = re.findall(r"\{exercise-start\}[^\n]*\n:label: (\S+)", text)
    solved = re.findall(r"\{solution-start\} (\S+)\n:class: dropdown", text)
    assert len(asked) == 3
    assert solved == asked
    assert len(re.findall(r"\{exercise-end\}", text)) == len(re.findall(r"\{solution-end\}", text)) == 3


@pytest.mark.parametrize("name", NUMBERED)
def test_some_check_is_asserted(name):
    assert any(isinstance(n, ast.Assert) for c in cells(name, "code") for n in ast.walk(ast.parse(c.source)))


def solution_cells(name):
    """Code cells between solution-start and solution-end, and the others."""
    inside, within, outside = False, [], []
    for cell in PAGES[name].cells:
        if cell.cell_type == "markdown":
            marks = re.findall(r"\{solution-(start|end)\}", cell.source)
            inside = marks[-1] == "start" if marks else inside
        else:
            (within if inside else outside).append(cell)
    return within, outside


def bound(cells_):
    """Names that cells assign or define at top level."""
    for node in itertools.chain.from_iterable(ast.parse(c.source).body for c in cells_):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        for target in getattr(node, "targets", []):
            yield from (n.id for n in ast.walk(target) if isinstance(n, ast.Name))


@pytest.mark.parametrize("name", NUMBERED)
def test_solutions_redefine_nothing(name):
    within, outside = solution_cells(name)
    assert not set(bound(within)) & set(bound(outside)) - {"fig", "ax", "axes", "rows", "_"}
    assert all("assert" in c.source for c in within), "an executed solution asserts what it says"


@pytest.mark.parametrize("name", list(PAGES))
def test_prose_types_no_decimals(name):
    typed = re.findall(r"(?<![\w.])\d+\.\d+\b%?", prose(name))
    assert not typed, f"let the code say it: figures.say, then {{glue:text}}; found {typed}"


@pytest.mark.parametrize("budget", ["quick", "full"])
def test_profiles_list_every_parameter(budget):
    profile = yaml.safe_load((BOOK / "profiles" / f"{budget}.yml").read_text()) or {}
    declared = {n: {t.id for c in tagged(n, "parameters") for a in ast.parse(c.source).body for t in a.targets} for n in EXECUTABLE}
    assert {n: set(values) for n, values in profile.items()} == {n: names for n, names in declared.items() if names}


def test_every_page_is_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text()
    listed = set(re.findall(r"(?:root|file): book/(\S+)", toc))
    assert listed == set(PAGES)


def sources(notebook):
    return [(c.cell_type, c.source.strip()) for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]


@pytest.mark.parametrize("name", EXECUTABLE)
def test_stored_outputs_belong_to_todays_text(name):
    path = REFERENCE / f"{name}.ipynb"
    assert path.exists(), "no stored outputs: run make reference"
    assert sources(nbformat.read(path, 4)) == sources(PAGES[name]), "the chapter has changed: run make reference"


@pytest.mark.parametrize("name", EXECUTABLE)
def test_stored_outputs_used_todays_parameters(name):
    profile = (yaml.safe_load((BOOK / "profiles" / "quick.yml").read_text()) or {}).get(name) or {}
    stored = nbformat.read(REFERENCE / f"{name}.ipynb", 4)
    injected = [c.source for c in stored.cells if "injected-parameters" in c.metadata.get("tags", [])]
    used = {a.targets[0].id: ast.literal_eval(a.value) for code in injected for a in ast.parse(code).body}
    assert used == profile, "profile quick has changed: run make reference"


@pytest.mark.parametrize("name", EXECUTABLE)
def test_stored_outputs_hold_no_warning(name):
    stored = nbformat.read(REFERENCE / f"{name}.ipynb", 4)
    said = [o.text for c in stored.cells for o in c.get("outputs", []) if o.output_type == "stream" and o.name == "stderr"]
    assert not said


def test_no_stored_outputs_are_orphans():
    assert {p.stem for p in REFERENCE.glob("*.ipynb")} == set(EXECUTABLE)
