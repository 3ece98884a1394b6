"""A small book in a temporary folder, and the door to it."""

import subprocess
import sys

import pytest

FORM = """---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

# {title}

```{{code-cell}} ipython3
:tags: [parameters]

{parameters}
```

```{{code-cell}} ipython3
{code}
```
"""


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def small(tmp_path):
    """A book of one chapter with the parameters n and chain."""
    write(tmp_path / "_toc.yml", "format: jb-book\nroot: book/01_one\n")
    write(tmp_path / "lib" / "law.py", "MASS = 1\n")
    write(tmp_path / "book" / "profiles" / "quick.yml", "01_one: {n: 3, chain: calm}\n")
    write(tmp_path / "book" / "01_one.md", FORM.format(title="One", parameters='n = 2\nchain = "calm"', code="print(f'{n} {chain}')"))
    return tmp_path


def knock(root, command, *options):
    """The door's answer, from a process of its own (kernels leave event loops behind)."""
    words = [sys.executable, "-m", "smilebridge.chapters", command, "--root", str(root), *options]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@pytest.fixture
def put():
    """Writes a text file and the folders above it."""
    return write


@pytest.fixture
def chapter_text():
    """A chapter's text from title, parameters and code."""
    return FORM.format


@pytest.fixture
def call():
    """Calls `python -m smilebridge.chapters COMMAND --root ROOT ...`."""
    return knock
