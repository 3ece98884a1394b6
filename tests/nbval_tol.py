"""nbval believes digits, not pictures: what "the same output" means for the stored references.

Two texts agree if they are equal once each float is replaced by a mark, and the floats agree pairwise:
  printed alike               always;
  shortened for the reader    (at most 7 significant digits): never otherwise, so 1.2500 -> 1.2600 and 1.2500 -> 1.2501 both fail;
  printed in full             (8 digits or more): relative difference below RTOL, which processors and BLAS versions need;
  round-off                   both below FLOOR in size: the digits of a residual mean nothing, its size is asserted in the chapter.
Integers, words, tables' headings and the order of outputs are compared exactly. Pictures are not compared.
"""

import itertools
import re

import nbformat
from nbval.plugin import IPyNbCell

RTOL = 1e-6
FLOOR = 1e-10
READER_DIGITS = 7
NUMBER = re.compile(r"(?<![\w.#])[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w)|(?<![\w.#])[-+]?\d+[eE][-+]?\d+(?!\w)")
PICTURE = re.compile(r"(^|/)image/")


def digits(number):
    """How many significant digits a printed number shows."""
    mantissa = re.split("[eE]", number)[0].lstrip("+-").replace(".", "").lstrip("0")
    return len(mantissa)


def alike(a, b):
    """Whether two printed numbers agree in the sense of the module's text."""
    if a == b or (abs(float(a)) < FLOOR and abs(float(b)) < FLOOR):
        return True
    in_full = min(digits(a), digits(b)) > READER_DIGITS
    return in_full and abs(float(a) - float(b)) <= RTOL * max(abs(float(a)), abs(float(b)))


class Printed(str):
    """A text whose equality is the module's."""

    __slots__ = ()

    def __eq__(self, other):
        if str.__eq__(self, other):
            return True
        if not isinstance(other, str) or NUMBER.sub("#", self) != NUMBER.sub("#", other):
            return False
        return all(itertools.starmap(alike, zip(NUMBER.findall(self), NUMBER.findall(other), strict=True)))

    def __ne__(self, other):
        return not self == other

    __hash__ = str.__hash__


def without_pictures(outputs):
    """The outputs without image types and without the drawings of interactive figures."""
    kept = []
    for output in outputs:
        data = output.get("data")
        if data is not None:
            output = nbformat.from_dict({**output, "data": {k: v for k, v in data.items() if not (PICTURE.search(k) or is_drawing(v))}})
        kept.append(output)
    return kept


def is_drawing(value):
    return isinstance(value, str) and "plotly-graph-div" in value


_compare, _sanitize = IPyNbCell.compare_outputs, IPyNbCell.sanitize


def compare_outputs(self, test, ref, skip_compare=None):
    return _compare(self, without_pictures(test), without_pictures(ref), skip_compare)


def sanitize(self, text):
    return Printed(_sanitize(self, text)) if isinstance(text, str) else text


IPyNbCell.compare_outputs = compare_outputs
IPyNbCell.sanitize = sanitize
