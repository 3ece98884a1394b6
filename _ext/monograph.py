"""Small Sphinx extension of the book: pages that need no network, and the source of each page beside it.

* copies MathJax's one file (from the installed sphinx-mathjax-offline) and plotly.js (from the installed plotly) into the
  static files: put into the book's own _static, Jupyter Book would load them on every page;
* loads plotly.js only on pages that hold a figure to turn;
* drops sphinx-thebe's scripts (Jupyter Book 1 emits one twice: a page error, and it is not used here);
* offers the chapter's MyST source for download, since pages are drawn from executed notebooks.
"""

import importlib.metadata
import shutil
from pathlib import Path


def mathjax_file():
    """The installed tex-svg.js of MathJax 3, which needs no fonts."""
    return next(f.locate() for f in importlib.metadata.files("sphinx-mathjax-offline") if f.name == "tex-svg.js")


def vendor(app):
    """Lays the two scripts where Sphinx collects static files."""
    import plotly

    if app.builder.format != "html":
        return
    folder = Path(app.doctreedir) / "vendor"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "mathjax").mkdir(parents=True)
    shutil.copy(mathjax_file(), folder / "mathjax")
    shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", folder)
    app.config.html_static_path.append(str(folder))


def scripts(app, pagename, templatename, context, doctree):
    """Decides which scripts a page loads."""
    listed = context.get("script_files", [])
    listed[:] = [s for s in listed if not is_thebe(s)]  # in place: later add_js_file calls append to this list
    if "plotly-graph-div" in (context.get("body") or ""):
        app.add_js_file("plotly.min.js")


def is_thebe(script):
    body = getattr(script, "attributes", {}).get("body") or ""
    return "THEBE_JS_URL" in body or str(getattr(script, "filename", "") or "").endswith("sphinx-thebe.js")


def source_button(app, pagename, templatename, context, doctree):
    """Copies the page's MyST source to _sources and adds it to the download menu."""
    source = Path(app.srcdir) / "sources" / f"{Path(pagename).name}.md"
    if not pagename.startswith("book/") or not source.exists():
        return
    target = Path(app.outdir) / "_sources" / f"{pagename}.md"
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    url = context["pathto"](f"_sources/{pagename}.md", 1)
    entry = {
        "type": "link",
        "text": ".md",
        "icon": "fas fa-file-lines",
        "url": url,
        "label": "download-myst-button",
        "tooltip": "Download the MyST source",
    }
    for button in context.get("header_buttons", []):
        if button.get("label") == "download-buttons":
            kept = [b for b in button["buttons"] if b.get("text") not in (".md", ".pdf")]
            button["buttons"] = [entry, *kept]


def setup(app):
    """Connects the duties above."""
    app.connect("builder-inited", vendor)
    app.connect("html-page-context", scripts, priority=400)
    app.connect("html-page-context", source_button, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
