"""Hostile text wherever a person may write some, in JupyterLab: text, in its place, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.lab import Lab, expect_output, in_kernel, opened

pytestmark = pytest.mark.browser

HTML = "<img src=x onerror='window.hit=1'><script>window.hit=1</script>"
TEXTS = [
    HTML,
    "</script><!--<svg onload='window.hit=1'>]]>",
    "}</style><style>*{display:none !important}",
    "\u202eright to left\u2066",
    "\u2069\u202d\u05d0\u05d1\u05d2",
    "👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈" * 9,
    "x" * 100_000,
    "one\ntwo\r\n\tthree\u2028four\0",
]
SETUP = f"""
import json, torch, torchdial as td
from torch import nn
TEXTS = json.loads({json.dumps(json.dumps(TEXTS))})
N = len(TEXTS)
torch.manual_seed(0)
images = torch.rand(1, 3, 24, 32)
maps = td.SegmentationPreview(
    images, torch.rand(1, N, 24, 32), (torch.rand(1, N, 24, 32) > 0.5).long(),
    task='multilabel', class_names=TEXTS, class_thresholds=[0.5] * N)
box = torch.tensor([[2., 2, 9, 9]]).repeat(N, 1) + torch.arange(N)[:, None]
found = [dict(boxes=box, scores=torch.rand(N), labels=torch.arange(N))]
boxes = td.DetectionPreview(images, found, found, class_names=TEXTS)
grid = td.ImageGrid(torch.randn(N, 3, 16, 16), captions=TEXTS)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        for i, text in enumerate(TEXTS):
            self.add_module(text.replace('.', ' '), nn.Linear(4, 4))
    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x
    def extra_repr(self):
        return TEXTS[0]
model = Net()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
monitor = td.TrainingMonitor(model, optimizer, budget=1, name=TEXTS[3])
for text in TEXTS:
    monitor.dial(text, lambda value: None, value=0.5)
tree = td.ModelTree(model, torch.rand(2, 4), monitor=monitor)
panel, flow = td.TrainingPanel(monitor), td.GradientPlot(monitor)
for step in range(3):
    optimizer.zero_grad()
    model(torch.rand(2, 4)).square().mean().backward()
    optimizer.step()
    monitor.log({{text: float(step) for text in TEXTS}})
monitor.flush()
curves = td.LossPlot({{text: monitor.history for text in TEXTS}})
refusing = []
def predict(x):
    if refusing:
        raise ValueError(''.join(TEXTS))
    return x[:, :1]
live = td.SegmentationPreview.from_model(predict, images, from_logits=False)
"""
WIDGETS = ("maps", "boxes", "grid", "tree", "panel", "flow", "curves", "live")
TOO_WIDE = """root => {
  const { right } = root.getBoundingClientRect();
  const hides = e => !['visible'].includes(getComputedStyle(e).overflowX);
  const isCut = e => e !== root && (hides(e.parentElement) || isCut(e.parentElement));
  return [...root.querySelectorAll('*')]
    .filter(e => e.getClientRects().length && !(e instanceof SVGElement) && !isCut(e))
    .filter(e => e.getBoundingClientRect().right > right + 1)
    .map(e => e.outerHTML.slice(0, 200));
}"""
# Text nodes that hold a direction of writing and stand in one line with others.
TURNING = """root => {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!/[\\u202a-\\u202e\\u2066-\\u2069]/.test(node.data)) continue;
    const style = getComputedStyle(node.parentElement);
    const alone = style.unicodeBidi.includes('isolate') || style.display.includes('block');
    if (!alone) found.push(node.parentElement.outerHTML.slice(0, 200));
  }
  return found;
}"""


@pytest.fixture(scope="module")
def shown(lab: Lab, browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1100, "height": 1400})
    cells = [SETUP, *(f"display({name})" for name in WIDGETS), "print('all there')"]
    with opened(lab, page, "hostile", cells):
        expect_output(page, "all there")
        yield page
    page.close()


@pytest.fixture(params=WIDGETS)
def widget(shown: Page, request: pytest.FixtureRequest) -> Locator:
    root = shown.locator(".torchdial").nth(WIDGETS.index(request.param))
    root.scroll_into_view_if_needed()
    if request.param != "live":
        expect(root).to_contain_text("<img src=x")
    return root


def check(root: Locator) -> None:
    """Check that text is text, within its cell, and turns nothing round."""
    page = root.page
    assert page.evaluate("() => window.hit") is None
    assert root.locator("img, script, style, svg[onload]").count() == 0
    assert root.evaluate(TOO_WIDE) == []
    assert root.evaluate(TURNING) == []
    box = root.bounding_box()
    assert box
    assert box["height"] < 4000  # of plots, not of words


def test_is_shown_as_text_in_its_place(widget: Locator) -> None:
    check(widget)


def test_is_shown_as_text_in_notices(shown: Page) -> None:
    in_kernel(shown, "refusing.append(1)\nlive.refresh()")
    for name in ("maps", "grid", "tree", "panel"):
        in_kernel(shown, f"{name}.send(dict(type='error', id=None, message=''.join(TEXTS)))")
    for name in ("live", "maps", "grid", "tree", "panel"):
        root = shown.locator(".torchdial").nth(WIDGETS.index(name))
        root.scroll_into_view_if_needed()
        expect(root.get_by_role("alert").first).to_contain_text(HTML)
        check(root)
