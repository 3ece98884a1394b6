"""Tables whose HTML is the same in every run and whose plain text is numbers, not an address."""

from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under headings; `formats` gives a column's format by its heading, other cells are printed by str.

    rows      list of dicts with the same keys, or a data frame
    returns   in a notebook: HTML, plain text for the tests that compare outputs

    >>> print(Table([{"law": "mu1", "mean": 1.0}], formats={"mean": ".4f"}))
    law    mean
    mu1  1.0000
    """

    rows: list
    formats: dict = field(default_factory=dict)

    def __post_init__(self):
        if hasattr(self.rows, "to_dict"):
            object.__setattr__(self, "rows", self.rows.to_dict("records"))
        if unknown := set(self.formats) - set(self.headings):
            raise KeyError(f"formats for columns that are not there: {sorted(unknown)}")

    @property
    def headings(self):
        return list(self.rows[0]) if self.rows else []

    @property
    def cells(self):
        """The printed cells, row by row."""
        return [[format(row[h], self.formats.get(h, "")) if h in self.formats else str(row[h]) for h in self.headings] for row in self.rows]

    @property
    def wordy(self):
        """For each column, whether it holds words (set flush left) or numbers (flush right)."""
        return [any(isinstance(row[h], str) for row in self.rows) for h in self.headings]

    def __str__(self):
        lines = [self.headings, *self.cells]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.headings))]
        sides = ["<" if w else ">" for w in self.wordy]
        return "\n".join("  ".join(f"{c:{s}{w}}" for c, s, w in zip(line, sides, widths, strict=True)).rstrip() for line in lines)

    __repr__ = __str__

    def _repr_html_(self):
        kinds = ["word" if w else "number" for w in self.wordy]
        head = "".join(f'<th class="{k}">{escape(h)}</th>' for h, k in zip(self.headings, kinds, strict=True))
        rows = ["".join(f'<td class="{k}">{escape(c)}</td>' for c, k in zip(row, kinds, strict=True)) for row in self.cells]
        body = "".join(f"<tr>{row}</tr>\n" for row in rows)
        return f'<table class="dataframe house">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>'
