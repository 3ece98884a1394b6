"""What all commands share: exit codes, one line of bad news, flags of JAX, files written whole or not at all."""

import contextlib
import json
import math
import os
import signal
import sys
import tempfile
import threading
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import typer


class Code(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    UNUSABLE = 2
    ARBITRAGE = 3
    UNFINISHED = 4
    INTERRUPTED = 130


class UnusableError(ValueError):
    """An option or a path that cannot be obeyed; the message leads with it."""


class ArbitrageError(ValueError):
    """Quotes that no model fits; the message leads with their source."""


COMPLAINT = typer.BadParameter.__mro__[2]  # what the parser of options raises; its module differs between releases


def answer(command) -> int:
    """Runs a command and returns its exit code; bad news becomes one line on stderr.

    command   takes nothing, returns a `Code` or None for done
    """
    try:
        return int(command() or Code.DONE)
    except (KeyboardInterrupt, typer.Abort):
        return int(Code.INTERRUPTED)
    except COMPLAINT as error:
        return _bad_news(Code.UNUSABLE, f"{error.format_message()} (see --help)")
    except Exception as error:
        code = verdict_on(error)
        if code is None:
            raise  # ours: a bug shows its traceback
        return _bad_news(code, str(error))


def verdict_on(error: Exception) -> Code | None:
    """The exit code that an exception of a stage stands for; None for a bug."""
    if isinstance(error, UnusableError | OSError):
        return Code.UNUSABLE
    if isinstance(error, ArbitrageError):
        return Code.ARBITRAGE
    from numpy.linalg import LinAlgError

    from .. import continuous, discrete, marginals, market

    unusable = market.QuoteError, discrete.ArchiveError, continuous.CheckpointError
    unfinished = marginals.InconsistentError, LinAlgError
    return Code.UNUSABLE if isinstance(error, unusable) else Code.UNFINISHED if isinstance(error, unfinished) else None


def _bad_news(code, message):
    print(f"smilebridge: {' '.join(message.split())}", file=sys.stderr)
    return int(code)


@contextlib.contextmanager
def numerics():
    """Sets the flags of JAX before the first array: float64, and a folder that keeps compiled functions from call to call.

    Import the stages under it: an interruption waits until they are there, because a half imported JAX cannot bear one.
    """
    with _patient():
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # compiled functions read from the cache need no comment
        import jax

        jax.config.update("jax_enable_x64", True)
        if jax.config.jax_compilation_cache_dir is None and (folder := _cache()):
            jax.config.update("jax_compilation_cache_dir", folder)
            if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
                jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        yield


@contextlib.contextmanager
def _patient():
    """Holds an interruption back until the end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = []
    before = signal.signal(signal.SIGINT, lambda *_: asked.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        raise KeyboardInterrupt


def _cache():
    """The user's cache folder for compiled functions, made if need be; None where it cannot be written."""
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: no home
        folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smilebridge" / "jax"
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return str(folder)
    return None


@contextlib.contextmanager
def progress(first: str):
    """`tell(what)` names the work in hand, on stderr, where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    from rich.console import Console

    with Console(stderr=True).status(first) as status:
        yield status.update


def writable(option: str, folder: Path | None) -> Path | None:
    """The folder, made if need be; UnusableError naming option and path where nothing can be written in it."""
    if folder is None:
        return None
    try:
        if not folder.parent.is_dir():
            raise UnusableError("its folder does not exist")
        if folder.exists() and not folder.is_dir():
            raise UnusableError("is not a folder")
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder.resolve()
    except (OSError, UnusableError) as error:
        raise UnusableError(f"{option} {folder}: {getattr(error, 'strerror', None) or error}") from None


@dataclass(frozen=True, slots=True)
class Output:
    """A file to be written: found writable before the work, complete when it appears."""

    path: Path

    @classmethod
    def at(cls, option: str, path: Path | None, *, suffixes=(), inputs=()):
        """None for no path; UnusableError naming option and path where it cannot be written or is one of the inputs."""
        if path is None:
            return None
        try:
            cls(path.resolve())._probe(suffixes, inputs)
        except (OSError, UnusableError) as error:
            raise UnusableError(f"{option} {path}: {getattr(error, 'strerror', None) or error}") from None
        return cls(path.resolve())

    def _probe(self, suffixes, inputs):
        if self.path.exists() and not self.path.is_file():
            raise UnusableError("is a folder" if self.path.is_dir() else "is not a regular file")
        if suffixes and self.path.suffix.lower() not in suffixes:
            raise UnusableError(f"a name ending in {', '.join(suffixes)} is needed")
        if not self.path.parent.is_dir():
            raise UnusableError("its folder does not exist")
        if any(Path(path).resolve() == self.path for path in inputs):
            raise UnusableError("would overwrite what is read, or the other output")
        self._part.touch(exist_ok=False)
        self._part.unlink()

    @property
    def _part(self):
        return self.path.with_name(f".{self.path.name}.{os.getpid()}.part")

    def write(self, draw):
        """`draw(part)` writes a temporary name in the same folder, which then takes the place of the file."""
        try:
            draw(self._part)
            os.replace(self._part, self.path)
        finally:
            self._part.unlink(missing_ok=True)

    def write_json(self, record):
        """The record as JSON; a number that is not finite becomes null."""
        text = json.dumps(_finite(record), indent=2, allow_nan=False) + "\n"
        self.write(lambda part: part.write_text(text, encoding="utf-8"))


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
