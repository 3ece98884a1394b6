"""Stages the executed pages and lets Jupyter Book draw them; a page that is not current is never drawn."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .stamps import digest, files

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SETTINGS = ("_config.yml", "_toc.yml", "book/references.bib")
FOLDERS = ("_static", "_ext")
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


class RenderError(RuntimeError):
    """Jupyter Book refused. The message holds its complaints and the log's place."""


def render(book):
    """Brings `book.html` up to date with the staged pages; True if anything had to be drawn.

    Call `execute` first. The pages are drawn beside and renamed into place: a reader finds the old book or the new one.
    """
    stage(book)
    mark, found = book.build / "rendered.json", digest(files(book.site), book.site, extra=digest_of_lock(book))
    if (book.html / "index.html").exists() and read(mark) == found:
        return False
    draw(book)
    publish(book.build / "draw" / "_build" / "html", book.html)
    mark.write_text(json.dumps(found), encoding="utf-8")
    return True


def stage(book):
    """Lays out a complete Jupyter Book source around the executed notebooks; touches only what differs."""
    site, kept = book.site, set()
    for name in SETTINGS:
        kept.add(copy(book.root / name, site / name))
    for folder in FOLDERS:
        for path in files(book.root / folder):
            kept.add(copy(path, site / path.relative_to(book.root)))
    for chapter in book.chapters:
        kept.add(copy(chapter.source, site / "sources" / chapter.source.name))
        page = site / "book" / (f"{chapter.name}.ipynb" if chapter.executable else chapter.source.name)
        kept.add(page if chapter.executable else copy(chapter.source, page))
    for path in files(site):
        if path not in kept:
            path.unlink()


def copy(source, target):
    """Copies if the contents differ, so that Sphinx sees as changed what changed."""
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    return target


def draw(book):
    """Jupyter Book over the staged pages, every warning an error; its words go to `render.log`.

    Always from an empty folder: Sphinx's own memory saves little here and outlives pages that are gone.
    """
    shutil.rmtree(book.build / "draw", ignore_errors=True)
    log = book.build / "render.log"
    options = ["-W", "-n", "--keep-going", "--path-output", str(book.build / "draw")]
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", *options, str(book.site)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"NO_COLOR": "1", "TERM": "dumb"})
    words = COLOUR.sub("", done.stdout + done.stderr)
    log.write_text(words, encoding="utf-8")
    if done.returncode:
        complaints = [line for line in words.splitlines() if "WARNING" in line or "ERROR" in line or "Error" in line][:20]
        raise RenderError("\n".join([*complaints, f"whole log: {log}"]))


def publish(drawn, html):
    """Swaps the new pages in by renaming."""
    new, old = html.with_name("html.new"), html.with_name("html.old")
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(drawn, new, ignore=shutil.ignore_patterns(".buildinfo"))
    if html.exists():
        html.rename(old)
    new.rename(html)
    shutil.rmtree(old, ignore_errors=True)


def digest_of_lock(book):
    lock = book.root / "requirements.lock"
    return digest([lock], book.root) if lock.exists() else ""


def read(mark):
    try:
        return json.loads(Path(mark).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
