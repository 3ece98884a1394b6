"""A surface that the reader can turn: plotly without its scripts, which the page loads once and only where needed."""

from dataclasses import dataclass
from typing import Any

from .style import INK

CLEAR, FAINT = "rgba(0,0,0,0)", "rgba(134,140,149,0.35)"


@dataclass(frozen=True, slots=True)
class Turntable:
    """Shows a plotly figure under a fixed name; end a cell with it.

    figure   plotly.graph_objects.Figure
    name     identifies the drawing on its page, e.g. "joint-density"
    alt      what the drawing shows, in words: the text form, and what a reader without scripts gets
    """

    figure: Any
    name: str
    alt: str

    def __repr__(self):
        return f"[{self.alt}]"

    def _repr_html_(self):
        from plotly.io import to_html

        figure = type(self.figure)(self.figure)  # a copy: showing a figure leaves it as it was
        figure.update_layout(paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, font_color=INK["text"], margin={"l": 0, "r": 0, "t": 24, "b": 0})
        wall = {"backgroundcolor": CLEAR, "gridcolor": FAINT, "zerolinecolor": FAINT}
        figure.update_scenes(xaxis=wall, yaxis=wall, zaxis=wall)
        drawing = to_html(
            figure,
            full_html=False,
            include_mathjax=False,
            include_plotlyjs=False,
            validate=False,
            div_id=f"turntable-{self.name}",
            config={"displaylogo": False, "responsive": True},
        )
        return f"{drawing}<noscript>{self.alt}</noscript>"
