"""What an executed page depends on, as one digest: its source, all of lib/, the lock, its parameters and the chain they name."""

import hashlib
import json
import os
from pathlib import Path

IGNORED = ("__pycache__", ".egg-info")


def files(folder):
    """All files below a folder that are somebody's work, in a fixed order."""
    found = (p for p in Path(folder).rglob("*") if p.is_file())
    return sorted(p for p in found if not any(mark in part for part in p.parts for mark in IGNORED) and not p.name.startswith("."))


def digest(paths, root, *, extra=""):
    """sha256 over names relative to `root` and contents; a renamed file is a changed file."""
    total = hashlib.sha256(extra.encode())
    for path in paths:
        total.update(f"\0{Path(path).relative_to(root).as_posix()}\0".encode())
        total.update(Path(path).read_bytes())
    return total.hexdigest()


def common(book):
    """Digest of what all chapters share."""
    lock = [p for p in [book.root / "requirements.lock"] if p.exists()]
    return digest([*files(book.root / "lib"), *lock], book.root, extra=os.environ.get("JAX_PLATFORMS", "cpu"))


def chain(book):
    """Digest of the reader's quotes; empty for an embedded market, whose numbers are part of lib/."""
    path = Path(book.chain or "")
    if not path.is_absolute():
        return ""
    return digest(files(path), path) if path.is_dir() else digest([path], path.parent)


def stamp(book, chapter, shared, quotes):
    """The digest that an executed chapter carries, with the values in plain sight beside it."""
    parameters = book.parameters(chapter)
    quotes = quotes if "chain" in chapter.declared else ""
    values = json.dumps([parameters, shared, quotes], sort_keys=True, default=str)
    return {"budget": book.budget, "parameters": parameters, "key": digest([chapter.source], book.root, extra=values)}


def stamps(book):
    """Name -> stamp of every executable chapter."""
    shared, quotes = common(book), chain(book)
    return {c.name: stamp(book, c, shared, quotes) for c in book.executables}
