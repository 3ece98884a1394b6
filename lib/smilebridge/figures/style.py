"""One style sheet and one ink per law for the whole book, legible on white and on the dark page alike."""

from importlib import resources
from types import MappingProxyType

# Mid luminances: each ink keeps a contrast of 3.3 or more on white and on the dark page. Blue, rust and green stay apart for
# the colour-blind (they differ in lightness of the blue-yellow channel), and lines carry labels besides.
INK = MappingProxyType({"mu1": "#2b7fd0", "muV": "#c8602c", "mu2": "#2a9160", "market": "#868c95", "other": "#9a6fb8", "text": "#747a83"})


def use_style():
    """Applies the shipped style sheet and draws figures as SVG with fixed ids, so that equal runs give equal bytes.

    Called once, in the setup cell of a chapter. Outside a notebook only the style sheet is applied.
    """
    import matplotlib
    import matplotlib.style
    from IPython import get_ipython

    with resources.as_file(resources.files("smilebridge.figures") / "monograph.mplstyle") as sheet:
        matplotlib.style.use(sheet)
    if get_ipython() is not None:
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg", metadata={"Date": None})
