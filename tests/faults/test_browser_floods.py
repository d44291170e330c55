"""A hundred publications a second, as if nothing limited them: the page stays usable."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.eventually import eventually
from tests.e2e.lab import WAIT, Lab, opened
from tests.e2e.panel import PanelOnPage

pytestmark = pytest.mark.browser

STEPS = 400
SETUP = (
    WAIT
    + """
import torch, torchdial as td
from unittest.mock import patch
torch.set_num_threads(1)
model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
monitor = td.TrainingMonitor(model, optimizer, budget=1)
panel = td.TrainingPanel(monitor)
panel
"""
)
FLOOD = f"""
wait_for('begin')
sent = 0
def send(content, buffers, really=panel._send_message):
    global sent
    sent += 1
    really(content, buffers)
panel._feed._send = send
with patch('torchdial.widgets.live.feed.DELTA_SECONDS', 0):
    for _ in monitor.loop(range({STEPS})):
        loss = model(torch.randn(16, 8)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
        monitor.log(loss=loss)
        monitor.flush()  # publishes
        time.sleep(0.005)
monitor.close()
print('sent', sent)
"""
# Counts frames, and how often the panel was drawn in them.
COUNT = """() => {
  const root = document.querySelector('.torchdial-live');
  window.counted = { frames: 0, paints: 0, most: 0 };
  let before = Number(root.dataset.paints);
  const look = () => {
    const paints = Number(root.dataset.paints);
    counted.frames++;
    counted.paints += paints - before;
    counted.most = Math.max(counted.most, paints - before);
    before = paints;
    requestAnimationFrame(look);
  };
  look();
}"""


@pytest.mark.slow
def test_a_flood_of_publications_is_drawn_once_a_frame_and_its_last_state_is_shown(
    lab: Lab, page: Page
) -> None:
    with opened(lab, page, "flood", [SETUP, FLOOD]):
        panel = PanelOnPage(page)
        page.evaluate(COUNT)
        lab.signal("begin")
        expect(panel.state).to_contain_text("running")
        for axis in ("time", "step") * 3:  # clicks are answered meanwhile
            panel.button(axis).click(timeout=2000)
            expect(panel.button(axis)).to_have_attribute("aria-pressed", "true", timeout=2000)
        expect(panel.state).to_contain_text("finished", timeout=60_000)
        expect(page.locator(".jp-OutputArea-output", has_text="sent ")).to_be_visible()
        sent = int(page.locator(".jp-OutputArea-output", has_text="sent ").inner_text().split()[1])
        counted = page.evaluate("() => counted")
        assert sent > STEPS / 2
        assert counted["most"] <= 2  # its own frame, and one whose callback ran before ours
        assert counted["paints"] <= counted["frames"]
        eventually(page, lambda: f"step {STEPS} / {STEPS}" in panel.line())
        assert panel.copied()[-1][1] == STEPS
        losses = [step for name, step, _ in panel.copied() if name == "loss"]
        assert losses == list(range(1, STEPS + 1))
