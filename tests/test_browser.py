"""The built book in a real browser with the network cut. Needs a Chromium: $CHROMIUM, or one on PATH; skipped by name without."""

import fcntl
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("CHROMIUM") or next((p for p in map(shutil.which, NAMES) if p), None)
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(p.stem for p in (ROOT / "book").glob("*.md"))
CHAPTERS = [p for p in PAGES if p[0].isdigit()]
READABLE = 4.5  # contrast of text on its ground, WCAG AA
PHONE = 390  # pixels
LOCAL = ("http://127.0.0.1", "file:", "data:", "blob:", "about:")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (set CHROMIUM or install chromium)")


@pytest.fixture(scope="module")
def html():
    """The book at quick, brought up to date by the code behind `make book`; a process of its own, for its own event loops.

    Chapters whose stored notebooks nbval has run today are fresh (see nbval_keep); what else is stale is executed here.
    """
    (ROOT / "_build").mkdir(exist_ok=True)
    with (ROOT / "_build" / ".drawing").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # of two workers, one draws and the other finds it drawn
        words = [sys.executable, "-m", "smilebridge.chapters", "render"]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "_build" / "quick" / "html"


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def address(html):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(html)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield found
        found.close()


def unasked(message):
    """Whether a console's complaint is about the icon that a browser looks for by itself where a page, like the front door, names none."""
    return message.location["url"].endswith("/favicon.ico")


class Visit:
    """One page, opened with everything but this machine out of reach; `faults` collects what went wrong."""

    def __init__(self, browser, *, scheme="light", width=1280, height=900):
        self.faults = []
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.page.on("request", lambda r: None if r.url.startswith(LOCAL) else self.faults.append(f"external: {r.url}"))
        self.page.on("requestfailed", lambda r: self.faults.append(f"failed: {r.url} {r.failure}"))
        self.page.on("response", lambda r: self.faults.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
        self.page.on("console", lambda m: self.faults.append(f"console: {m.text}") if m.type == "error" and not unasked(m) else None)
        self.page.on("pageerror", lambda e: self.faults.append(f"error: {e}"))

    def open(self, url):
        self.page.goto(url, wait_until="load")
        self.page.wait_for_function("() => !window.MathJax || !window.MathJax.startup || window.MathJax.startup.promise.then(() => true)")
        self.page.wait_for_load_state("networkidle")
        return self.page

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()


SOUND = """() => ({
  mathematics: document.querySelectorAll('mjx-container').length,
  raw: document.querySelectorAll('.math:not(:has(mjx-container))').length,
  wrong: document.querySelectorAll('mjx-merror, [data-mjx-error]').length,
  blank: [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src),
  undrawn: document.querySelectorAll('.plotly-graph-div:not(.js-plotly-plot)').length,
})"""


def assert_sound(visit):
    seen = visit.page.evaluate(SOUND)
    assert not visit.faults, visit.faults
    assert (seen["raw"], seen["wrong"], seen["blank"], seen["undrawn"]) == (0, 0, [], 0), seen
    return seen


def test_front_door_leads_to_the_index(browser, address):
    with Visit(browser) as visit:
        visit.page.goto(f"{address}/index.html")
        visit.page.wait_for_url("**/book/index.html")
        assert "Two Smiles" in visit.page.title()
        assert_sound(visit)


def test_page_is_whole_from_the_file_system(browser, html):
    with Visit(browser) as visit:
        visit.open((html / "book" / f"{CHAPTERS[0]}.html").as_uri())
        assert assert_sound(visit)["mathematics"] > 0


def test_search_finds_a_word(browser, address):
    with Visit(browser) as visit:
        visit.page.goto(f"{address}/search.html?q=convex")
        visit.page.wait_for_selector("ul.search li a")
        links = visit.page.eval_on_selector_all("ul.search li a", "links => links.map(a => a.href)")
        assert any("03_convex_order" in link for link in links), links
        assert not visit.faults, visit.faults


COLOURS = """() => {
  const parse = c => (c.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const ground = e => {
    const layers = [];
    for (; e; e = e.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(e).backgroundColor);
      layers.push([r, g, b, a]);
      if (a === 1) break;
    }
    return layers.reverse().reduce((under, [r, g, b, a]) => [r, g, b].map((c, i) => a * c + (1 - a) * under[i]), [255, 255, 255]);
  };
  const selector = ['p', 'h1', 'h2', 'li', 'td', 'th', 'pre span', 'figcaption', 'a', 'summary'].map(s => '.bd-article ' + s).join(', ');
  const visible = e => e.innerText && e.innerText.trim() && e.getClientRects().length;
  const look = e => [e.innerText.slice(0, 40), parse(getComputedStyle(e).color), ground(e)];
  return [...document.querySelectorAll(selector)].filter(visible).map(look);
}"""


def luminance(colour):
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in colour[:3]))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_whole_and_legible_without_network(browser, address, name, scheme):
    with Visit(browser, scheme=scheme) as visit:
        page = visit.open(f"{address}/book/{name}.html")
        assert assert_sound(visit)["mathematics"] > 0 or name not in CHAPTERS
        ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number)")
        assert (luminance(ground) < 0.05) == (scheme == "dark"), ground
        faint = [(text, ink, paper) for text, ink, paper in page.evaluate(COLOURS) if contrast(ink, paper) < READABLE]
        assert not faint, faint


@pytest.mark.parametrize("name", PAGES)
def test_phone_page_does_not_scroll_sideways(browser, address, name):
    with Visit(browser, width=PHONE, height=844) as visit:
        page = visit.open(f"{address}/book/{name}.html")
        assert page.evaluate("() => Math.max(document.body.scrollWidth, document.documentElement.scrollWidth)") <= PHONE
        # tables scroll by themselves
        beyond = """width => [...document.querySelectorAll('.bd-article :is(p, h1, h2, img)')]
            .filter(e => !e.closest('table') && e.getBoundingClientRect().right > width + 1).map(e => e.outerHTML.slice(0, 80))"""
        assert page.evaluate(beyond, PHONE) == []
