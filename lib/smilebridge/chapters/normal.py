"""The normal form of an executed notebook: the same run gives the same bytes."""

import json
import os
import re

PICTURE = re.compile(r"(^|/)image/")


def settled(notebook, stamp):
    """Drops what differs between two equal runs, numbers the cells, hides defaults that a profile overrode, adds the stamp."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["smilebridge"] = stamp
    injected = any("injected-parameters" in c.metadata.get("tags", []) for c in notebook.cells)
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:03d}"
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        tags = cell.metadata.get("tags", [])
        if injected and "parameters" in tags:
            cell.metadata["tags"] = [*tags, "remove-cell"]
    return notebook


def stored(notebook):
    """The form kept for nbval: numbers and words, no pictures, nothing that a machine or a version leaves behind."""
    notebook.metadata.pop("smilebridge", None)
    notebook.metadata.get("language_info", {}).pop("version", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            for kind in [k for k, v in data.items() if PICTURE.search(k) or "plotly-graph-div" in v]:
                data.pop(kind)
    return notebook


def sources(notebook):
    """What a reader would call the source: (kind, text) of each cell that papermill did not inject.

    Jupytext may end a markdown cell with blank lines that a notebook does not keep; they do not count.
    """
    cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    return [(c.cell_type, c.source.strip()) for c in cells]


def write(notebook, path):
    """Writes under a temporary name and renames, so that a killed run leaves the old page or the new one."""
    import nbformat

    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    nbformat.write(notebook, beside)
    os.replace(beside, path)


def stamped(path):
    """The stamp that an executed notebook carries; empty if there is none to read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["metadata"].get("smilebridge", {})
    except (OSError, ValueError, KeyError):
        return {}
