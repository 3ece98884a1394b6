"""The table in book/notation.md speaks of this library: each identifier exists in it, in the shape that the table gives.

An identifier is a dotted path from the package (`arbitrage.call_gap`), or a bare name that public code uses as argument, field, method,
property, function or class. Where the code gives the name a shape, by annotation or, for NumPy fields, in its docstring, the table's shape
is one of these; "scalar" also stands for float and int. A name may carry an index in the symbol's column only.
"""

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIB = ROOT / "lib" / "smilebridge"
HEAD = ["symbol", "identifier", "unit", "shape"]
SCALAR = {"float", "int", "bool", "str"}


def table():
    """Rows of the page's tables, as dicts."""
    lines = [line for line in (ROOT / "book" / "notation.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    split = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    return [dict(zip(HEAD, row, strict=True)) for row in split if row != HEAD and not set("".join(row)) <= set("-: ")]


ROWS = table()
NAMES = [row["identifier"].strip("`") for row in ROWS]


def shapes_of(annotation):
    """Shapes that an annotation allows: axes' names joined by commas, "scalar" for numbers."""
    text = ast.unparse(annotation) if annotation is not None else ""
    found = {", ".join(shape.split()) or "scalar" for shape in re.findall(r"\[[^\[\]]*?, '([^']*)'\]", text)}
    return found | ({"scalar"} if re.search(rf"\b({'|'.join(SCALAR)})\b", text) else set())


def documented(node):
    """(name, shape) pairs of a docstring: `bid, ask   (n,) prices` in a class, "(n,) prices" first in a method."""
    text = ast.get_docstring(node) or ""
    if isinstance(node, ast.ClassDef):
        lines = re.findall(r"^ *(\w+(?:, \w+)*) {2,}\(([\w, ]*)\)", text, flags=re.M)
        return [(name, shape.rstrip(",") or "scalar") for names, shape in lines for name in names.split(", ")]
    return [(node.name, shape.rstrip(",")) for shape in re.findall(r"^\(([\w, ]+)\)", text)]


def vocabulary():
    """Public name -> shapes that the library gives it; also by its path, as in `stage.function` and `stage.Class.member`."""
    found = {}
    for path in LIB.rglob("*.py"):
        if "chapters" in path.parts:
            continue
        module = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(module):
            for name, annotation in bindings(node):
                found.setdefault(name, set()).update(shapes_of(annotation))
        for node in module.body:
            for name, shapes in members(node):
                found.setdefault(f"{path.parent.name}.{name}", set()).update(shapes)
    return found


def members(node):
    """(function, shapes) of a function; (Class.member, shapes) pairs of a class."""
    if isinstance(node, ast.FunctionDef):
        yield node.name, shapes_of(node.returns) | {shape for _, shape in documented(node)}
    if not isinstance(node, ast.ClassDef):
        return
    for item in node.body:
        if isinstance(item, ast.AnnAssign):
            yield f"{node.name}.{item.target.id}", shapes_of(item.annotation)
        if isinstance(item, ast.FunctionDef):
            yield f"{node.name}.{item.name}", shapes_of(item.returns) | {shape for _, shape in documented(item)}
    yield from ((f"{node.name}.{name}", {shape}) for name, shape in documented(node))


def bindings(node):
    """(name, annotation) pairs that a node makes public."""
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("__"):
        yield node.name, node.returns
    if isinstance(node, ast.FunctionDef):
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        yield from ((a.arg, a.annotation) for a in arguments)
    if isinstance(node, ast.ClassDef):
        yield node.name, None
        fields = (item for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name))
        yield from ((f.target.id, f.annotation) for f in fields)


VOCABULARY = vocabulary()


def test_table_has_its_columns():
    text = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    assert "| " + " | ".join(HEAD) + " |" in text
    assert ROWS


def test_no_identifier_is_listed_twice():
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_row_is_complete(row):
    assert all(row.values())
    assert re.fullmatch(r"`[A-Za-z][\w.]*`", row["identifier"]), "an identifier is ASCII and stands in backticks"
    assert row["symbol"].startswith("$"), "a symbol is a formula"


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_identifier_exists(row):
    stage, _, rest = row["identifier"].strip("`").partition(".")
    if not rest:
        assert stage in VOCABULARY, "no public name of the library"
        return
    found = importlib.import_module(f"smilebridge.{stage}")
    for part in rest.split("."):
        found = annotated_field(found, part) if not hasattr(found, part) else getattr(found, part)


def annotated_field(owner, name):
    assert name in getattr(owner, "__annotations__", {}), f"{owner} has no {name}"
    return owner.__annotations__[name]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_shape_is_the_codes(row):
    shapes = VOCABULARY.get(row["identifier"].strip("`"), set())
    if shapes:
        assert row["shape"].strip("()").rstrip(",") in shapes, f"the code says {sorted(shapes)}"
