"""Laws on disk: arrays and a header in one npz file that ends in the SHA-256 of its bytes; nothing in it is ever executed."""

import hashlib
import io
import json
import platform
import zipfile
import zlib
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from .law import Law
from .schrodinger import Schrodinger

FORMAT, EDITION = "smilebridge law", 2
PACKAGES = ("smilebridge", "jax", "numpy", "equinox")
WEIGHTS = ("a", "delta")
HEADER = "header"
SEAL = 64  # last bytes of the file, its comment to zip readers: the SHA-256 of all before them, in hexadecimal
UNREADABLE = (EOFError, KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)


class ArchiveError(ValueError):
    """A file that is no law, is cut short, or is not as it was saved. The message leads with the file."""

    def __init__(self, file, why):
        super().__init__(f"{file}: {why}")


@dataclass(frozen=True, slots=True)
class Header:
    """What is said about a law that is saved.

    source, day   of the quotes, in words and as yyyy-mm-dd; empty where there are none
    years         T1 of the VIX options, ACT/365; None where unknown
    inputs        SHA-256 of the problem: nodes, reference, instruments, targets
    packages      {package: version} that wrote it
    """

    source: str
    day: str
    years: float | None
    inputs: str
    packages: dict[str, str]
    format: str
    edition: int


def save(file, law: Law, *, source: str = "", day="", years: float | None = None):
    """Writes the law; equal laws with equal words give equal bytes.

    file       path, or a file opened for writing bytes
    source, day, years   see `Header`
    """
    problem = _named(law.problem)
    packages = {name: version(name) for name in PACKAGES} | {"python": platform.python_version()}
    header = Header(source, str(day), years, digest(problem), packages, FORMAT, EDITION)
    text = np.frombuffer(json.dumps(asdict(header), sort_keys=True).encode(), np.uint8)
    content = _sealed({**problem, **{name: np.asarray(getattr(law, name)) for name in WEIGHTS}, HEADER: text})
    if isinstance(file, str | Path):
        Path(file).write_bytes(content)
    else:
        file.write(content)


def load(file) -> Law:
    """The law of a file, to the last bit.

    refuses    ArchiveError, which names the file: foreign, cut short, altered, or of another edition; OSError: not to be opened
    """
    return opened(file)[0]


def opened(file) -> tuple[Law, Header]:
    """The law of a file and what is said about it; see `load`."""
    if not jax.config.jax_enable_x64:
        raise TypeError(f"{file}: float64 needed; set jax_enable_x64 before the first array")
    arrays = _read(file, Path(file).read_bytes())
    header = _header(file, arrays.pop(HEADER))
    try:
        weights = {name: jnp.asarray(arrays.pop(name)) for name in WEIGHTS}
        return Law(_problem(arrays), **weights), header
    except (KeyError, TypeError) as error:
        raise ArchiveError(file, f"not the arrays of a law: {error}") from None


def digest(arrays: dict[str, np.ndarray]) -> str:
    """SHA-256 of names, types, shapes and bytes, in the order of the names."""
    seal = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        seal.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        seal.update(np.ascontiguousarray(array).tobytes())
    return seal.hexdigest()


def _named(problem):
    """Arrays of the problem by name."""
    return {entry.name: np.asarray(getattr(problem, entry.name)) for entry in fields(problem)}


def _problem(arrays):
    """The reverse of `_named`."""
    static = {entry.name for entry in fields(Schrodinger) if entry.metadata.get("static")}
    return Schrodinger(**{name: array.item() if name in static else jnp.asarray(array) for name, array in arrays.items()})


def _sealed(arrays):
    """The bytes of the file."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    with zipfile.ZipFile(content, "a") as parts:
        parts.comment = b"0" * SEAL
    body = content.getvalue()[:-SEAL]
    return body + hashlib.sha256(body).hexdigest().encode()


def _read(file, content):
    """All arrays of the file."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as parts:
            names = parts.files
            if HEADER not in names:
                raise ArchiveError(file, "an npz file, but no law of smilebridge")
            if hashlib.sha256(content[:-SEAL]).hexdigest().encode() != content[-SEAL:]:
                raise ArchiveError(file, "altered since it was saved: contents and SHA-256 differ")
            return {name: parts[name] for name in names}
    except ArchiveError:
        raise
    except UNREADABLE as error:
        raise ArchiveError(file, f"no law of smilebridge, or cut short or damaged ({type(error).__name__})") from None


def _header(file, text):
    try:
        told = json.loads(text.tobytes())
        kind = told.get("format"), told.get("edition")
        header = Header(**told) if kind == (FORMAT, EDITION) else None
    except (ValueError, TypeError, AttributeError) as error:
        raise ArchiveError(file, f"its header cannot be read: {error}") from None
    if header is None:
        raise ArchiveError(file, f"edition {kind[1]} of {kind[0]!r}; read here is edition {EDITION} of {FORMAT!r}")
    return header
