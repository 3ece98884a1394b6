"""What nbval has run need not be run again: a stored notebook that passed leaves the chapter's executed page where the book looks for it.

nbval's kernels become the book's own (an empty folder, no log, a history that counts), and what they say goes through the client that
papermill uses, so that the page is the one that `smilebridge.chapters.execute` would have written, stamp included. It is kept only if
every code cell ran in order and passed, without an error to show, and the cells are those of today's chapter with today's parameters.
"""

import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field

import nbval.plugin
from nbval.kernel import RunningKernel, start_new_kernel
from nbval.plugin import IPyNbCell, IPyNbFile

QUIET = ["--IPKernelApp.log_level=CRITICAL", "--HistoryManager.hist_file=:memory:"]


@dataclass(slots=True)
class Ran:
    """A cell that went to the kernel, and what the kernel said of it."""

    message: str
    code: str
    said: list = field(default_factory=list)
    passed: bool = False


class Kernel(RunningKernel):
    """nbval's kernel, started as papermill starts the book's; `ran` remembers its cells."""

    def __init__(self, kernel_name, cwd=None, startup_timeout=60):
        self.ran = []
        self.folder = tempfile.mkdtemp(prefix="smilebridge-")
        started = {"stderr": subprocess.DEVNULL, "cwd": self.folder, "extra_arguments": QUIET}
        self.km, self.kc = start_new_kernel(startup_timeout, kernel_name, **started)
        self._ensure_iopub_up()

    def execute_cell_input(self, cell_input, allow_stdin=None):
        message = self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)
        self.ran.append(Ran(message, cell_input))
        return message

    def get_message(self, stream, timeout=None):
        message = super().get_message(stream, timeout)
        if stream == "iopub" and self.ran and message["parent_header"].get("msg_id") == self.ran[-1].message:
            self.ran[-1].said.append(message)
        return message

    def stop(self):
        super().stop()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The page that a stored notebook may leave, and its stamp; made before the kernel starts, whose environment it sets."""

    book: object
    chapter: object
    stamp: dict

    @classmethod
    def by(cls, path):
        """From tests/reference/NAME.ipynb; None if it belongs to no chapter."""
        from smilebridge.chapters import Book, BookError
        from smilebridge.chapters.execute import prepare_kernels
        from smilebridge.chapters.stamps import stamps

        try:
            book = Book.at(path.parent.parent.parent)
        except BookError:
            return None
        found = [c for c in book.executables if c.name == path.stem]
        prepare_kernels(book)
        return cls(book, found[0], stamps(book)[path.stem]) if found else None

    def prepared(self):
        """The chapter with its parameters, as papermill hands it to a kernel."""
        import jupytext
        import papermill

        parameters = self.stamp["parameters"]
        return papermill.execute_notebook(
            jupytext.read(self.chapter.source), None, parameters=parameters, kernel_name="python3", prepare_only=True
        )

    def keep(self, ran, language):
        """Writes the page if what ran is the chapter; says whether it did."""
        from smilebridge.chapters import normal
        from smilebridge.chapters.execute import page

        notebook = self.prepared()
        cells = [c for c in notebook.cells if c.cell_type == "code"]
        same = [c.source.strip() for c in cells] == [r.code.strip() for r in ran]
        if not same or not all(r.passed for r in ran):
            return False
        fill(notebook, ran)
        if any(o.output_type == "error" for c in cells for o in c.outputs):
            return False
        notebook.metadata["language_info"] = language
        normal.write(normal.settled(notebook, self.stamp), page(self.book, self.chapter))
        return True


def fill(notebook, ran):
    """Outputs and counts of the code cells, in place: papermill's client listens once more to what was said."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionComplete

    client, said = NotebookClient(notebook, record_timing=False), iter(ran)
    client.reset_execution_trackers()
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        cell.outputs, client.clear_before_next_output = [], False
        for message in next(said).said:
            try:
                client.process_message(message, cell, index)
            except CellExecutionComplete:
                break


_setup, _teardown, _runtest = IPyNbFile.setup, IPyNbFile.teardown, IPyNbCell.runtest


def setup(self):
    self.wanted = Wanted.by(self.path)
    _setup(self)


def runtest(self):
    _runtest(self)
    self.parent.kernel.ran[-1].passed = True


def teardown(self):
    if self.kernel is not None and self.kernel.is_alive() and self.wanted is not None:
        language = self.kernel.kc.kernel_info(reply=True, timeout=60)["content"]["language_info"]
        self.wanted.keep(self.kernel.ran, language)
    _teardown(self)


nbval.plugin.RunningKernel = Kernel
IPyNbFile.setup, IPyNbFile.teardown, IPyNbCell.runtest = setup, teardown, runtest
