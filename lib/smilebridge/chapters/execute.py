"""Runs the stale chapters by papermill, two kernels at a time, and leaves the fresh ones alone."""

import concurrent.futures
import os
import re
import time
from dataclasses import dataclass

from . import normal
from .book import BookError
from .stamps import stamps

KERNELS = 2
CELL_SECONDS = {"quick": 900, "full": 4 * 3600}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one chapter: ran, fresh or failed, in how many seconds, and the words of the failure."""

    name: str
    what: str
    seconds: float = 0.0
    trouble: str = ""


def execute(book, *, force=False, watch=lambda event, name: None):
    """Brings every executable chapter up to date; an Outcome for each, in the book's order.

    watch   called with ("start" | "end", name) as kernels come and go
    raises  BookError if a profile sets what no chapter declares, before anything runs
    """
    wanted = stamps(book)
    if book.chain and not any("chain" in c.declared for c in book.executables):
        raise BookError(f"CHAIN={book.chain}: no chapter takes a chain")
    todo = [c for c in book.executables if force or not fresh(book, c, wanted[c.name])]
    prepare_kernels(book)

    def one(chapter):
        watch("start", chapter.name)
        outcome = run(book, chapter, wanted[chapter.name])
        watch("end", chapter.name)
        return outcome

    pool = concurrent.futures.ThreadPoolExecutor(KERNELS)  # each kernel is a process of its own: threads suffice
    try:
        done = {o.name: o for o in pool.map(one, todo)}
    finally:  # an interrupted reader does not wait for kernels
        pool.shutdown(wait=False, cancel_futures=True)
    return [done.get(c.name) or Outcome(c.name, "fresh") for c in book.executables]


def stale(book):
    """Names of the chapters whose executed page does not carry today's stamp. Runs nothing."""
    wanted = stamps(book)
    return [c.name for c in book.executables if not fresh(book, c, wanted[c.name])]


def page(book, chapter):
    """Where the executed chapter lies."""
    return book.site / "book" / f"{chapter.name}.ipynb"


def fresh(book, chapter, stamp):
    return normal.stamped(page(book, chapter)).get("key") == stamp["key"]


def prepare_kernels(book):
    """What the kernels inherit: one compilation cache for all, no progress bars, no chatter from C++."""
    settings = {
        "JAX_PLATFORMS": "cpu",
        "JAX_COMPILATION_CACHE_DIR": str(book.root / "_build" / "jax-cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TQDM_DISABLE": "1",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)


def run(book, chapter, stamp):
    """One chapter in a fresh kernel, in an empty folder of its own."""
    import jupytext
    import nbformat
    import papermill

    began = time.perf_counter()
    folder = book.build / "run" / chapter.name
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{chapter.name}.ipynb"
    try:
        papermill.execute_notebook(
            jupytext.read(chapter.source),
            str(partial),
            parameters=stamp["parameters"],
            cwd=str(folder),
            kernel_name="python3",
            progress_bar=False,
            execution_timeout=CELL_SECONDS[book.budget],
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
        )
    except Exception as error:  # whatever a reader's chapter may raise
        page(book, chapter).unlink(missing_ok=True)
        return Outcome(chapter.name, "failed", time.perf_counter() - began, f"{told(error)}\nrun so far: {partial}")
    normal.write(normal.settled(nbformat.read(partial, 4), stamp), page(book, chapter))
    partial.unlink()
    return Outcome(chapter.name, "ran", time.perf_counter() - began)


def told(error):
    """The cell that failed and the end of its traceback, without colours."""
    source = getattr(error, "source", None)
    if source is None:
        return f"{type(error).__name__}: {error}"
    tail = "\n".join(ANSI.sub("", line) for line in error.traceback[-3:])
    return f"in the cell\n{source}\n{tail[-2000:]}"
