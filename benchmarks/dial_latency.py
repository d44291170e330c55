"""From a key press to the painted picture, in real JupyterLab and real Chromium.

Each time runs from the key event's own time stamp, when the browser received the key, until the
main thread has finished the first frame that holds the new picture: script, style, layout and
paint. For torchdial that is the frame that shows the new position, for `interact` the first frame
after the new <img> has loaded. Both leave out the time of the compositor and the
screen. "script" is the part that JavaScript spends on the key's event and in frame callbacks.

The two take turns on one page, on the same 1024² map, a stop at each press of an arrow key. Before
each press the kernel has answered all that either has sent it, and the page has had time to rest.
"""

import statistics

from _browser import PACKAGES, browser_of, notebook
from _measure import Result, at_least, at_most, median_of_ratios, report, spread

MOVES = 40
RATIO_AIM = 12
FRAME_AIM_MS = 17

PEER = """
%matplotlib inline
import matplotlib.pyplot as plt
from ipywidgets import FloatSlider, interact
@interact(threshold=FloatSlider(0.5, min=0, max=1, step=0.01))
def show(threshold):
    plt.imshow(probs[0] > threshold, cmap="gray")
    plt.show()
"""
PEER_DIAL = ".widget-slider .noUi-handle"
OUR_DIAL = ".torchdial-dial-input"

# Both set `window.measured` to a promise of [key press to painted, script] in milliseconds.
ARM_OURS = """() => {
  window.measured = new Promise(resolve => {
    let pressed = 0;
    let received = 0;
    window.addEventListener('keydown', event => {
      pressed = event.timeStamp;
      received = performance.now();
      stopwatch.scripts = 0;
    }, { capture: true, once: true });
    // The widget writes the dial's position to its root when it shows it, in the event or a frame.
    const observer = new MutationObserver(() => {
      if (!pressed) return;
      observer.disconnect();
      if (!stopwatch.inFrame) stopwatch.scripts += performance.now() - received;
      stopwatch.painted(now => resolve([now - pressed, stopwatch.scripts]));
    });
    observer.observe(document.body,
      { subtree: true, attributes: true, attributeFilter: ['data-stop', 'data-score'] });
  });
}"""
ARM_PEER = """() => {
  window.measured = new Promise(resolve => {
    let pressed = 0;
    window.addEventListener('keydown', event => { pressed = event.timeStamp; },
      { capture: true, once: true });
    const output = document.querySelector('.widget-interact');
    const old = output.querySelector('img').src;
    const observer = new MutationObserver(() => {
      const image = output.querySelector('img');
      if (!image || image.src === old) return;
      observer.disconnect();
      const done = () => stopwatch.painted(now => resolve([now - pressed, NaN]));
      if (image.complete) done();
      else image.addEventListener('load', done, { once: true });
    });
    observer.observe(output,
      { childList: true, subtree: true, attributes: true, attributeFilter: ['src'] });
  });
}"""

# Resolves when the kernel has answered all messages before.
ANSWERED = """async () => {
  await jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.requestKernelInfo();
}"""


def press(page, dial, arm, key):
    page.locator(dial).focus()
    page.wait_for_timeout(250)  # JupyterLab scrolls to what has the focus
    page.evaluate(arm)
    page.keyboard.press(key)
    measured = page.evaluate("() => measured")
    page.wait_for_timeout(400)  # torchdial sends the last setting within 250 ms
    page.evaluate(ANSWERED)
    return measured


def keys():
    """Yield keys up and down around the current stop."""
    return ["ArrowRight" if (move // 10) % 2 == 0 else "ArrowLeft" for move in range(MOVES)]


def beside_interact():
    ours, theirs = [], []
    make = (
        "images, probs, targets = scenes(1, 1024)\ntd.SegmentationPreview(images, probs, targets)"
    )
    with notebook("interact", [make, PEER]) as page:
        page.locator(".widget-interact img").wait_for()
        page.wait_for_timeout(3000)
        for key in ["ArrowLeft", *keys()]:  # the first warms up
            ours.append(press(page, OUR_DIAL, ARM_OURS, key)[0])
            theirs.append(press(page, PEER_DIAL, ARM_PEER, key)[0])
        machine = browser_of(page)
    ours, theirs = ours[1:], theirs[1:]
    return machine, [
        at_least("1 × 1024², ratio", median_of_ratios(theirs, ours), RATIO_AIM, "×"),
        Result("1 × 1024², torchdial", spread(ours)),
        Result("1 × 1024², interact + matplotlib", spread(theirs)),
    ]


def alone(count, size):
    make = f"td.SegmentationPreview(*scenes({count}, {size}))"
    with notebook("alone", [make]) as page:
        page.locator(OUR_DIAL).wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        times = [press(page, OUR_DIAL, ARM_OURS, key) for key in ["ArrowLeft", *keys()]][1:]
    painted, scripts = zip(*times, strict=True)
    what = f"{count} × {size}², key press to painted"
    return [
        at_most(what, statistics.median(painted), FRAME_AIM_MS, "ms", f" ({spread(painted)})"),
        Result(f"{count} × {size}², of this script", spread(scripts)),
    ]


if __name__ == "__main__":
    machine, results = beside_interact()
    results += [*alone(1, 2048), *alone(16, 512)]
    report("dial_latency", results, [*PACKAGES, "matplotlib"], machine)
