"""The outputs that the tests believe: each chapter executed at `quick`, in normal form, in tests/reference."""

import importlib.util
import subprocess
import sys

from . import normal
from .book import BookError
from .execute import page

GENERATORS = ("smilebridge.chapters.fits",)  # tables shipped in lib/ that raw data beside the project can renew


def regenerate(root):
    """Runs the generators of shipped tables that exist; returns the names of those that ran."""
    present = [name for name in GENERATORS if importlib.util.find_spec(name) is not None]
    for name in present:
        if subprocess.run([sys.executable, "-m", name], cwd=root, check=False).returncode:
            raise BookError(f"{name} failed; the stored outputs are left as they were")
    return present


def folder(book):
    return book.root / "tests" / "reference"


def renew(book):
    """Rewrites the stored outputs from the executed chapters; returns the names of those that moved."""
    import nbformat

    moved = []
    for chapter in book.executables:
        target = folder(book) / f"{chapter.name}.ipynb"
        before = target.read_bytes() if target.exists() else b""
        normal.write(normal.stored(nbformat.read(page(book, chapter), 4)), target)
        if target.read_bytes() != before:
            moved.append(chapter.name)
    for orphan in set(folder(book).glob("*.ipynb")) - {folder(book) / f"{c.name}.ipynb" for c in book.executables}:
        orphan.unlink()
    return moved
