"""The house keeps its order: stages point one way, modules stay small, nothing happens on import."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parents[1] / "lib" / "smilebridge"
STAGES = ["models", "market", "marginals", "arbitrage", "discrete", "continuous", "semimartingale", "figures"]
DOORS = ["cli", "chapters"]  # above all stages; the only ones that may print
DRAWERS = {"utils", "util", "helpers", "helper", "misc", "common", "tools", "base"}
MODULE_LINES, FUNCTION_LINES, BODY_LINES = 350, 60, 40

MODULES = sorted(LIB.rglob("*.py"))
IN_STAGES = [p for p in MODULES if p.relative_to(LIB).parts[0] in STAGES]


def name(path):
    return path.relative_to(LIB).as_posix()


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(path):
    """Dotted names inside smilebridge that a module imports, relative ones resolved."""
    package = ["smilebridge", *path.relative_to(LIB).parent.parts]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms(path):
    """Stages and doors that a module imports."""
    parts = (n.split(".") for n in imported(path))
    return {p[1] for p in parts if p[0] == "smilebridge" and len(p) > 1 and p[1] in STAGES + DOORS}


@pytest.mark.parametrize("path", IN_STAGES, ids=name)
def test_imports_only_point_upstream(path):
    here = path.relative_to(LIB).parts[0]
    late = sorted(room for room in rooms(path) if room in DOORS or STAGES.index(room) > STAGES.index(here))
    assert not late, f"{here} may not import {', '.join(late)}"


def test_every_room_is_known():
    found = {p.name for p in LIB.iterdir() if p.is_dir() and p.name != "__pycache__"} | {p.stem for p in LIB.glob("*.py")}
    assert found <= {*STAGES, *DOORS, "__init__", "__main__", "py.typed"}, "a new stage takes its place in STAGES"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_fits_on_a_few_screens(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MODULE_LINES, f"{lines} lines: there are usually two concepts, split"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_functions_fit_on_one_screen(path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            within = node.end_lineno - body[0].lineno + 1 if body else 0
            whole = node.end_lineno - node.lineno + 1
            assert whole <= FUNCTION_LINES, f"{node.name}: {whole} lines"
            assert within <= BODY_LINES, f"{node.name}: {within} lines below its docstring"


def test_no_module_is_a_drawer():
    assert not [name(p) for p in MODULES if p.stem in DRAWERS], "a homeless function is a missing noun"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_only_doors_print(path):
    if path.relative_to(LIB).parts[0].removesuffix(".py") in DOORS:
        return
    calls = [n.lineno for n in ast.walk(tree(path)) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "print"]
    assert not calls, f"print in line {calls}"


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_shape_checks_are_not_silenced(path):
    assert not any(n.startswith("__future__.annotations") for n in imported(path))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_flags_are_left_to_doors_and_tests(path):
    if path.relative_to(LIB).parts[0].removesuffix(".py") not in DOORS:
        attributes = {ast.unparse(n) for n in ast.walk(tree(path)) if isinstance(n, ast.Attribute)}
        assert not {a for a in attributes if a.endswith(("config.update", ".float32"))}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_module_says_what_it_is(path):
    assert ast.get_docstring(tree(path)), "a module starts with a sentence"


LOOK = """
import json, jax
before = dict(jax.config.values)
import importlib, smilebridge
for stage in {rooms}:
    importlib.import_module("smilebridge." + stage)
flipped = [k for k, v in jax.config.values.items() if before.get(k) != v]
print(json.dumps({{"flipped": flipped, "arrays": len(jax.live_arrays())}}))
"""


def test_import_allocates_no_array_and_flips_no_flag():
    present = [s for s in STAGES + DOORS if (LIB / s / "__init__.py").exists() or (LIB / f"{s}.py").exists()]
    done = subprocess.run([sys.executable, "-c", LOOK.format(rooms=present)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"flipped": [], "arrays": 0}
