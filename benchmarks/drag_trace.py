"""Where the time of a drag goes: CPU of each part of a frame, from Chromium's own trace.

Pages of `save_html`, an arrow key every 60 ms. CPU times are little disturbed by what else runs on
the machine. "script" is what runs in JavaScript, "style" is style and layout, "paint" what the main
thread paints, canvases among it, and hands over, "raster" what other threads draw of it, and
"screen" the compositor.
The second part shows what a drag must not depend on: how many stops, pictures off the screen and
kept steps there are.
"""

import json
import tempfile
from collections import Counter
from pathlib import Path

from _browser import launch_chromium
from _measure import Result, at_most, box_scenes, report, scenes
from playwright.sync_api import sync_playwright

from torchdial import DetectionPreview, SegmentationPreview, save_html

KEYS = 40
DIAL = ".torchdial-dial-input"
CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "cc", "viz", "blink"]
PARTS = {
    "FireAnimationFrame": "script",
    "EventDispatch": "script",
    "UpdateLayoutTree": "style",
    "Layout": "style",
    "PrePaint": "paint",
    "Paint": "paint",
    "Layerize": "paint",
    "Commit": "paint",
    "CanvasRenderingContext2D::FinalizeFrame": "paint",  # after a key, outside of any frame
    "RasterTask": "raster",
    "DirectRenderer::DrawFrame": "screen",
}
MAIN = ("script", "style", "paint")
MOST_GROWTH = 1.25


def maps(count, size, **options):
    return SegmentationPreview(*scenes(count, size), **options)


def trained(steps):
    """Return a preview that was refreshed after so many steps, of which it keeps 24 frames."""
    preview = maps(4, 128, keep=24)
    _, probs, _ = scenes(4, 128, seed=1)
    for step in range(1, steps + 1):
        preview.refresh(probs.roll(step, 2), step=step)
    return preview


def boxes(count, candidates, size):
    pictures, _, _ = scenes(count, size)
    return DetectionPreview(pictures, *box_scenes(count, candidates), max_det=candidates)


def parts_of(events):
    """Return the CPU milliseconds of each part, what lies within another counted once."""
    times = Counter()
    threads = {}
    for event in events:
        if event.get("ph") == "X" and event["name"] in PARTS and "tdur" in event:
            threads.setdefault((event["pid"], event["tid"]), []).append(event)
    for of in threads.values():
        open_ends = []
        for event in sorted(of, key=lambda e: (e["tts"], -e["tdur"])):
            start, end = event["tts"], event["tts"] + event["tdur"]
            while open_ends and open_ends[-1][0] <= start:
                open_ends.pop()
            part = PARTS[event["name"]]
            times[part] += event["tdur"]
            if open_ends:
                times[open_ends[-1][1]] -= event["tdur"]
            open_ends.append((end, part))
    return {part: times[part] / 1000 for part in dict.fromkeys(PARTS.values())}


def drag(browser, widget, dial=0):
    """Return the CPU milliseconds of each part for each press of a key."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "widget.html"
        save_html([widget], path)
        page = browser.new_page(viewport={"width": 1200, "height": 1700})
        page.goto(path.as_uri())
        slider = page.locator(DIAL).nth(dial)
        slider.focus()
        for key in ("ArrowLeft", "ArrowRight", "ArrowLeft", "ArrowRight"):
            page.keyboard.press(key)
            page.wait_for_timeout(400)
        browser.start_tracing(page=page, categories=CATEGORIES)
        for move in range(KEYS):
            page.keyboard.press("ArrowRight" if (move // 10) % 2 == 0 else "ArrowLeft")
            page.wait_for_timeout(60)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        page.close()
    return {part: time / KEYS for part, time in parts_of(events).items()}


def line(what, parts):
    main = sum(parts[part] for part in MAIN)
    each = ", ".join(f"{part} {time:.1f}" for part, time in parts.items())
    return Result(what, f"main thread {main:.1f} ms ({each})")


def growth(browser, what, small, large):
    """Return how many times the main thread's work is with more of something."""
    before, after = (sum(drag(browser, w)[part] for part in MAIN) for w in (small, large))
    more = f" ({before:.1f} and {after:.1f} ms)"
    return at_most(what, after / before, MOST_GROWTH, "×", more)


if __name__ == "__main__":
    many, one = boxes(16, 300, 512), boxes(1, 5000, 800)
    with sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        version = browser.version
        results = [
            line("threshold, 1 × 1024²", drag(browser, maps(1, 1024))),
            line("threshold, 1 × 2048²", drag(browser, maps(1, 2048))),
            line("threshold, 16 × 512²", drag(browser, maps(16, 512))),
            line("score, 16 × 300 boxes", drag(browser, many)),
            line("NMS IoU, 16 × 300 boxes", drag(browser, many, dial=1)),
            line("score, 1 × 5,000 boxes", drag(browser, one)),
            line("NMS IoU, 1 × 5,000 boxes", drag(browser, one, dial=1)),
            growth(
                browser,
                "255 stops over 51",
                maps(4, 256, thresholds=51),
                maps(4, 256, thresholds=255),
            ),
            growth(browser, "320 pictures over 16", maps(16, 128), maps(320, 128)),
            growth(browser, "400 steps over 4", trained(4), trained(400)),
        ]
        browser.close()
    report("drag_trace", results, (), f", Chromium {version}, software rendering")
