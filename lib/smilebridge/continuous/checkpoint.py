"""A climb on disk: where it stands after each step, beside the problem that it belongs to; read back to the last bit."""

import hashlib
import io
import json
import os
import zipfile
import zlib
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path

import numpy as np

from .climb import Standing

FILE = "calibration.npz"
PROBLEM = "problem"
UNREADABLE = (EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile, zlib.error)


class CheckpointError(ValueError):
    """A checkpoint of another problem, or a file that is none. The message leads with the file."""

    def __init__(self, file, why):
        super().__init__(f"{file}: {why}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The file of one problem in a folder; without a folder nothing is kept.

    problem   {part: what it is, in words or as a digest}
    """

    file: Path | None
    problem: dict[str, str]

    @classmethod
    def of(cls, folder: Path | str | None, problem: dict[str, str]):
        """The folder is made if need be."""
        if folder is None:
            return cls(None, problem)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder / FILE, problem)

    def keep(self, standing: Standing) -> Standing:
        """Writes where the climb stands; the standing again."""
        self.put(standing._asdict())
        return standing

    def read(self) -> Standing | None:
        """Where the climb stood; None where there is nothing yet; raises as `get`."""
        if (kept := self.get(Standing._fields)) is None:
            return None
        counts = (tuple(map(int, kept[name])) for name in ("steps", "evaluations"))
        return Standing(kept["theta"], kept["hessian"], float(kept["damping"]), *counts)

    def put(self, parts: dict):
        """Writes arrays by name under a temporary name, which then takes the place of the file."""
        if self.file:
            part = self.file.with_name(f".{FILE}.part")
            with part.open("wb") as content:
                text = np.frombuffer(json.dumps(self.problem).encode(), np.uint8)
                np.savez(content, allow_pickle=False, **{PROBLEM: text}, **parts)
            os.replace(part, self.file)

    def get(self, names) -> dict[str, np.ndarray] | None:
        """The arrays of these names; None where there is nothing yet.

        raises   CheckpointError: another problem, told by the parts that differ; or no checkpoint at all
        """
        if self.file is None or not self.file.exists():
            return None
        try:
            with np.load(io.BytesIO(self.file.read_bytes()), allow_pickle=False) as parts:
                found = json.loads(parts[PROBLEM].tobytes())
                kept = {name: parts[name] for name in names}
                differ = [f"{part} {found.get(part)}, expected {told}" for part, told in self.problem.items() if found.get(part) != told]
        except UNREADABLE as error:
            raise CheckpointError(self.file, f"no checkpoint of a calibration, or damaged ({type(error).__name__})") from None
        if differ:
            raise CheckpointError(self.file, f"of another problem: {'; '.join(differ)}")
        return kept


def named(model, quotes, **parts) -> dict[str, str]:
    """{part: what it is} of a problem: the reference and the numbers around it in words, to the last digit, quotes by a digest."""
    terms = ", ".join(f"{entry.name}={float(getattr(model, entry.name))!r}" for entry in fields(model))
    told = {"reference": f"{type(model).__name__}({terms})", "quotes": _digest(quotes)}
    return told | {name: _words(part) for name, part in parts.items()}


def _words(part):
    if is_dataclass(part) or isinstance(part, tuple | list):
        inside = [getattr(part, entry.name) for entry in fields(part)] if is_dataclass(part) else part
        return f"({', '.join(map(_words, inside))})"
    return repr(part.item() if isinstance(part, np.generic) else part)


def _digest(quotes):
    """Count of instruments and SHA-256 of all numbers."""
    seal = hashlib.sha256()
    for entry in fields(quotes):
        value = getattr(quotes, entry.name)
        seal.update(f"{entry.name} {np.shape(value)}\n".encode())
        seal.update(b"" if value is None else np.ascontiguousarray(value, float).tobytes())
    return f"{sum(quotes.counts)} options, SHA-256 {seal.hexdigest()[:16]}"
