"""nbval's run of a stored notebook leaves the page that papermill's leaves, and none where that page would not be true."""

import os
import subprocess
import sys
from pathlib import Path

from smilebridge.chapters import Book, renew

TESTS = Path(__file__).resolve().parents[1]
REFERENCE = Path("tests", "reference")
NAMES = ["01_one", "02_source", "03_parameter", "04_output", "05_part"]
SPEAKS = """print("before")
figures.say("n_words", n, ".1f")
display(HTML(f"<b>{chain}</b>"))
print("after")
n / 7
```

Words between cells, {glue:text}`n_words` of them.

```{code-cell} ipython3
---
mystnb:
  figure: {name: fig-line, caption: A line.}
tags: [hide-input]
---
plt.plot([0, n])
plt.show()
```

```{code-cell} ipython3
import os

assert os.path.basename(os.getcwd()) != "reference", "a chapter runs in a folder of its own"
__import__("IPython").get_ipython().execution_count"""
IMPORTS = """import matplotlib.pyplot as plt
from IPython.display import HTML, display

from smilebridge import figures

figures.use_style()
"""


def page(root, name):
    return root / "_build" / "quick" / "site" / "book" / f"{name}.ipynb"


def validated(root, *which):
    """nbval over stored notebooks, in a process of its own."""
    words = ["-q", "-p", "nbval_tol", "-p", "nbval_keep", "-p", "no:cacheprovider", "--rootdir", root, "--nbval", "--nbval-current-env"]
    env = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"} | {"PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    return subprocess.run([sys.executable, "-m", "pytest", *words, *which], cwd=root, env=env, capture_output=True, text=True, check=False)


def test_page_is_papermills_to_the_byte(small, put, call, chapter_text):
    text = chapter_text(title="One", parameters='n = 2\nchain = "calm"', code=IMPORTS + SPEAKS)
    put(small / "book" / "01_one.md", text)
    done = call(small, "execute")
    assert done.returncode == 0, done.stderr
    renew(Book.at(small))
    whole = page(small, "01_one").read_bytes()
    assert all(word in whole for word in [b"injected-parameters", b"image/svg+xml", b"application/papermill.record", b"<b>calm</b>"])

    page(small, "01_one").unlink()
    done = validated(small, REFERENCE)
    assert done.returncode == 0, done.stdout
    assert page(small, "01_one").read_bytes() == whole
    assert call(small, "check").returncode == 0


def test_nothing_is_kept_that_is_not_what_todays_chapter_says(small, put, call, chapter_text):
    code = "m = n + 1\n```\n\n```{code-cell} ipython3\nprint(m)"
    for name in NAMES:
        put(small / "book" / f"{name}.md", chapter_text(title=name, parameters="n = 2", code=code))
    put(small / "book" / "profiles" / "quick.yml", "".join(f"{name}: {{n: 3}}\n" for name in NAMES))
    done = call(small, "execute")
    assert done.returncode == 0, done.stderr
    renew(Book.at(small))
    for name in NAMES:
        page(small, name).unlink()

    put(small / "book" / "02_source.md", chapter_text(title="Source", parameters="n = 2", code=code + "  # anew"))
    profile = (small / "book" / "profiles" / "quick.yml").read_text()
    put(small / "book" / "profiles" / "quick.yml", profile.replace("03_parameter: {n: 3}", "03_parameter: {n: 4}"))
    stored = (small / REFERENCE / "04_output.ipynb").read_text()
    put(small / REFERENCE / "04_output.ipynb", stored.replace('"4\\n"', '"5\\n"'))
    whole = [str(REFERENCE / f"{name}.ipynb") for name in NAMES[:-1]]
    done = validated(small, *whole, *[f"{REFERENCE}/05_part.ipynb::Cell {n}" for n in (0, 1, 2)])
    assert "1 failed, 18 passed" in done.stdout
    assert call(small, "check").stdout.strip() == f"stale: {', '.join(NAMES[1:])}"
