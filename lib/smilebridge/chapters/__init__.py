"""Executes the chapters, checks that what they show is current, renders the book, keeps the outputs that the tests believe.

Sits above all stages and computes nothing. `python -m smilebridge.chapters execute|check|render|reference` is its door.
"""

from .book import Book as Book
from .book import BookError as BookError
from .book import Chapter as Chapter
from .execute import Outcome as Outcome
from .execute import execute as execute
from .execute import stale as stale
from .reference import renew as renew
from .render import RenderError as RenderError
from .render import render as render
