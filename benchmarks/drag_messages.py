"""Messages over JupyterLab's websocket, in both directions, during three seconds of dragging.

The mouse moves back and forth over the whole dial. Counted are `comm_msg` messages, which carry a
widget's traits and events; the kernel's busy and idle messages are counted separately. What the
kernel sends once the dial rests, the setting for other pages that show the widget, is no part of
the drag.
"""

import json
import math
import time
from collections import Counter

from _browser import PACKAGES, browser_of, notebook
from _measure import Result, at_most, report

SECONDS = 3
UP_AIM = 10
MAKE = "td.SegmentationPreview(*scenes(4, 256))"


def message_type(frame):
    """Return the type of a message of either websocket protocol of Jupyter."""
    if isinstance(frame, str):
        return json.loads(frame)["header"]["msg_type"]
    # v1: the number of offsets, the offsets; then channel, header, …
    count = int.from_bytes(frame[:8], "little")
    offsets = [int.from_bytes(frame[8 * i : 8 * i + 8], "little") for i in range(1, count + 1)]
    return json.loads(frame[offsets[1] : offsets[2]])["msg_type"]


def drag(page, down):
    """Return the duration, how many stops the dial showed, and what came `down` meanwhile."""
    dial = page.locator(".torchdial-dial-input")
    dial.wait_for(timeout=60_000)
    page.wait_for_timeout(2000)
    box = dial.bounding_box()
    middle, reach = box["x"] + box["width"] / 2, box["width"] / 2 - 10
    y = box["y"] + box["height"] / 2
    page.evaluate(
        """() => {
          window.seen = new Set();
          const root = document.querySelector('.torchdial');
          new MutationObserver(() => seen.add(root.dataset.stop))
            .observe(root, { attributeFilter: ['data-stop'] });
        }"""
    )
    page.mouse.move(middle, y)
    page.mouse.down()
    start = time.monotonic()
    while (passed := time.monotonic() - start) < SECONDS:
        page.mouse.move(middle + reach * math.sin(2 * math.pi * passed / 1.5), y)
        page.wait_for_timeout(10)
    meanwhile = down["comm_msg"]
    page.mouse.up()
    page.wait_for_timeout(1000)  # for messages under way
    return passed, page.evaluate("() => seen.size"), meanwhile


if __name__ == "__main__":
    up, down = Counter(), Counter()

    def listen(socket):
        if socket.url.endswith("/channels") or "/channels?" in socket.url:
            socket.on("framesent", lambda frame: up.update([message_type(frame)]))
            socket.on("framereceived", lambda frame: down.update([message_type(frame)]))

    with notebook("drag", [MAKE], listen) as page:
        page.locator(".torchdial-dial-input").wait_for(timeout=60_000)
        page.wait_for_timeout(1000)
        assert up["execute_request"], "the websocket was not seen"
        up.clear()
        down.clear()
        seconds, stops, meanwhile = drag(page, down)
        machine = browser_of(page)
    assert up["comm_msg"] > 1, "the drag was not seen"
    results = [
        at_most("up, comm_msg a second", up["comm_msg"] / seconds, UP_AIM, "a second"),
        at_most("down, comm_msg", meanwhile, 0, "messages"),
        Result("down, comm_msg, once at rest", f"{down['comm_msg'] - meanwhile} messages"),
        Result("down, the kernel's busy and idle", f"{down['status']} messages"),
        Result("the drag", f"{seconds:.1f} s, {stops} different stops"),
    ]
    report("drag_messages", results, PACKAGES, machine)
