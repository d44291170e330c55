"""Colours of text and canvases in the hosts' light and dark themes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import torchdial as td
from tests.e2e.page import Show
from tests.e2e.panel import FIRST_PIXELS, PanelOnPage

pytestmark = pytest.mark.browser

AA_TEXT = 4.5  # WCAG 2.2, 1.4.3

# Text, faint text, ground, raised ground and accent, as the hosts' own themes set them.
JUPYTERLAB = ("ui-font-color1", "ui-font-color2", "layout-color0", "layout-color2", "brand-color1")
VSCODE = (
    "foreground",
    "descriptionForeground",
    "editor-background",
    "input-background",
    "focusBorder",
)
THEMES: dict[str, tuple[str, Sequence[str], str] | None] = {
    "page light": None,
    "page dark": None,
    "JupyterLab light": ("jp", JUPYTERLAB, "#000000de #0000008a #ffffff #eeeeee #1976d2"),
    "JupyterLab dark": ("jp", JUPYTERLAB, "#ffffff #ffffffb3 #111111 #424242 #1976d2"),
    "VS Code light": ("vscode", VSCODE, "#3b3b3b #3b3b3b #ffffff #ffffff #005fb8"),
    "VS Code dark": ("vscode", VSCODE, "#cccccc #9d9d9d #1f1f1f #313131 #0078d4"),
}
# The contrast of each text colour with each ground, as the browser paints them.
CONTRASTS = """root => {
  const context = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const probe = root.appendChild(document.createElement('i'));
  const painted = (...names) => {
    for (const name of names) {
      probe.style.color = `var(--torchdial-${name})`;
      context.fillStyle = getComputedStyle(probe).color;
      context.fillRect(0, 0, 1, 1);
    }
    const linear = [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map(byte => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const found = {};
  for (const ground of ['ground', 'raised']) {
    for (const text of ['ink', 'faint', 'link', 'warning', 'second']) {
      const [low, high] = [painted(ground), painted(ground, text)].sort((a, b) => a - b);
      found[`${text} on ${ground}`] = (high + 0.05) / (low + 0.05);
    }
  }
  probe.remove();
  return found;
}"""


@pytest.mark.parametrize("theme", THEMES)
def test_all_text_is_legible(show: Show, theme: str) -> None:
    page = show(td.LossPlot({"loss": [1.0, 0.5]}))
    page.emulate_media(color_scheme="dark" if theme == "page dark" else "light")
    root = page.locator(".torchdial-live")
    if host_theme := THEMES[theme]:
        host, names, colors = host_theme
        for name, color in zip(names, colors.split(), strict=True):
            root.evaluate(
                "(root, [name, color]) => root.style.setProperty(name, color)",
                [f"--{host}-{name}", color],
            )
    found = root.evaluate(CONTRASTS)
    assert {pair: value for pair, value in found.items() if value < AA_TEXT} == {}
    page.emulate_media(color_scheme="light")


def test_canvases_are_drawn_anew_when_the_theme_changes(show: Show) -> None:
    page = show(td.LossPlot({"loss": [1.0, 0.5, 0.7]}))
    panel = PanelOnPage(page)
    light = page.evaluate(FIRST_PIXELS)
    page.emulate_media(color_scheme="dark")
    panel.eventually(lambda: page.evaluate(FIRST_PIXELS) != light)
    page.emulate_media(color_scheme="light")
    panel.eventually(lambda: page.evaluate(FIRST_PIXELS) == light)
