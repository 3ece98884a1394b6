"""What the book is made of: chapters, their declared parameters, the values a budget gives them."""

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BUDGETS = ("quick", "full")


class BookError(ValueError):
    """The book cannot be built as asked. The message leads with the file."""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One page of the book; `executable` if it holds code cells."""

    name: str
    source: Path
    executable: bool
    declared: tuple[str, ...]

    @classmethod
    def read(cls, source):
        """The chapter in a MyST file; pages without a kernel are prose."""
        import jupytext

        notebook = jupytext.read(source)
        executable = "kernelspec" in notebook.metadata
        cells = [c.source for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
        return cls(source.stem, source, executable, tuple(n for cell in cells for n in assigned(cell)))


def assigned(code):
    """Names that the top level of a cell assigns.

    >>> assigned("n = 3  # nodes\\nchain = 'calm'")
    ['n', 'chain']
    """
    targets = [t for node in ast.parse(code).body if isinstance(node, ast.Assign) for t in node.targets]
    return [t.id for t in targets if isinstance(t, ast.Name)]


@dataclass(frozen=True)
class Book:
    """The project's folder, the budget, and the reader's own chain of quotes if there is one."""

    root: Path
    budget: str = "quick"
    chain: str | None = None

    @classmethod
    def at(cls, root, budget="quick", chain=None):
        """The book at `root`. A chain that is a path becomes absolute; else it must be the plain name of an embedded market."""
        root = Path(root).resolve()
        if not (root / "_toc.yml").is_file():
            raise BookError(f"{root}: no _toc.yml, so no book; run from the project's folder or give --root")
        if budget not in BUDGETS:
            raise BookError(f"BUDGET={budget}: choose one of {', '.join(BUDGETS)}")
        return cls(root, budget, located(chain) if chain else None)

    @property
    def build(self):
        return self.root / "_build" / self.budget

    @property
    def site(self):
        """Where the executed pages are staged for Jupyter Book."""
        return self.build / "site"

    @property
    def html(self):
        return self.build / "html"

    @cached_property
    def chapters(self):
        """All pages in the order of their names."""
        return tuple(Chapter.read(p) for p in sorted((self.root / "book").glob("*.md")))

    @property
    def executables(self):
        return tuple(c for c in self.chapters if c.executable)

    @cached_property
    def profile(self):
        """The budget's values, chapter by chapter."""
        import yaml

        path = self.root / "book" / "profiles" / f"{self.budget}.yml"
        values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if unknown := sorted(set(values) - {c.name for c in self.executables}):
            raise BookError(f"{path.name}: no executable chapter is called {', '.join(unknown)}")
        return values

    def parameters(self, chapter):
        """Values for the chapter's parameters cell; a value that the cell does not declare is refused."""
        values = dict(self.profile.get(chapter.name) or {})
        if self.chain and "chain" in chapter.declared:
            values["chain"] = self.chain
        if unknown := sorted(set(values) - set(chapter.declared)):
            raise BookError(f"{self.budget}.yml: {chapter.name} declares no parameter {', '.join(unknown)}")
        return values


def located(chain):
    """Absolute path of a chain of quotes, or the name of an embedded market as it stands."""
    path = Path(chain).expanduser()
    if path.exists():
        return str(path.resolve())
    if path.name != chain or path.suffix:
        raise BookError(f"CHAIN={chain}: no such file or folder")
    return chain
