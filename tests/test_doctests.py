"""Every example in a docstring runs, also in functions that jit has wrapped: they are read from the syntax tree."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parents[1] / "lib"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)


def examples():
    """(module, name, docstring) of every docstring with a prompt in it."""
    for path in sorted(LIB.rglob("*.py")):
        module = ".".join(path.relative_to(LIB).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, DOCUMENTED) and ">>>" in (ast.get_docstring(node) or ""):
                name = f"{module}.{getattr(node, 'name', '')}"
                yield pytest.param(module, name, ast.get_docstring(node), id=name)


@pytest.mark.parametrize(("module", "name", "text"), list(examples()))
def test_example_prints_what_it_says(module, name, text):
    names = dict(vars(importlib.import_module(module)))
    found = doctest.DocTestParser().get_doctest(text, names, name, module, 0)
    said = []
    doctest.DocTestRunner(optionflags=OPTIONS).run(found, out=said.append)
    assert not said, "".join(said)
