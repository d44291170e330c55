"""64 pictures of 256²: ImageGrid against a matplotlib grid and a grid of ipywidgets.Image.

In real JupyterLab, kernel and page on one machine and so on one clock: from the start of the cell
until the main thread has finished the frame that shows the last picture: for ours, the one in which
the last canvas was drawn. Bytes are what ImageGrid's opening state holds of the pictures, against
the pictures as PNG.
"""

import io
import json
import statistics

from _browser import PACKAGES
from _detached import DetachedPage, detached_notebook
from _measure import Result, at_least, at_most, report
from PIL import Image

from torchdial import ImageGrid
from torchdial.demo import digit_scenes

RUNS = 7
COUNT, SIZE = 64, 256
SETUP = f"""
import io, json
import ipywidgets, matplotlib.pyplot as plt
from IPython.display import display
from PIL import Image
from torchdial.demo import digit_scenes
images = digit_scenes({COUNT}, size={SIZE}).images
arrays = images.permute(0, 2, 3, 1).numpy()

def png(array):
    file = io.BytesIO()
    Image.fromarray((array * 255).astype("uint8")).save(file, "png")
    return file.getvalue()

def ours():
    display(td.ImageGrid(images))

def with_matplotlib():
    figure, axes = plt.subplots(8, 8, figsize=(11, 11))
    for ax, array in zip(axes.flat, arrays):
        ax.imshow(array)
        ax.set_axis_off()
    plt.show()

def with_images():
    shown = [ipywidgets.Image(value=png(array), format="png", width=140) for array in arrays]
    display(ipywidgets.GridBox(shown, layout={{"grid_template_columns": "repeat(8, 1fr)"}}))
"""
CELL = 'print("start", time.time()); {}()'
# True when everything is in the page.
SHOWN = {
    "ours": f"() => stopwatch.pictures.size >= {COUNT}",
    "with_matplotlib": """() => [...document.querySelectorAll('.jp-RenderedImage img')]
      .some(i => i.complete && i.naturalWidth)""",
    "with_images": f"""() => [...document.querySelectorAll('.jp-OutputArea img')]
      .filter(i => i.complete && i.naturalWidth).length === {COUNT}""",
}
WATCH = """() => new Promise(resolve => {
  const isShown = SHOWN;
  stopwatch.pictures.clear();
  const look = () => {
    if (isShown()) stopwatch.painted(() => resolve(Date.now() / 1000));
    else requestAnimationFrame(look);
  };
  look();
})"""


def run(page: DetachedPage, name: str) -> float:
    """Return the milliseconds from the start of the cell to its painted pictures."""
    painted, printed = page.run_cell(CELL.format(name), WATCH.replace("SHOWN", SHOWN[name]))
    return 1000 * (painted - float(printed.split("start ")[1].split()[0]))


def bytes_on_the_wire():
    """Return the bytes of the opening pictures and of the same pictures as PNG."""
    images = digit_scenes(COUNT, size=SIZE).images
    grid = ImageGrid(images)
    opening = sum(len(tile["data"]) for tile in grid._frame["tiles"])
    opening += len(json.dumps([tile["key"] for tile in grid._frame["tiles"]]))
    png = 0
    for i in range(COUNT):
        file = io.BytesIO()
        Image.fromarray(grid.picture(i).pixels).save(file, "png")
        png += len(file.getvalue())
    return opening, png


if __name__ == "__main__":
    with detached_notebook("grid", [SETUP, "pass"]) as page:
        times = {name: [] for name in SHOWN}
        for _ in range(RUNS):
            for name, values in times.items():
                values.append(run(page, name))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    opening, png = bytes_on_the_wire()
    report(
        "image_grid",
        [
            at_least(
                "matplotlib over ours, cell start to painted",
                medians["with_matplotlib"] / medians["ours"],
                4,
                "×",
                f" ({medians['ours']:,.0f} against {medians['with_matplotlib']:,.0f} ms)",
            ),
            Result("a grid of ipywidgets.Image", f"median {medians['with_images']:,.0f} ms"),
            at_most(
                "opening pictures over the same as PNG",
                opening / png,
                0.5,
                "×",
                f" ({opening / 1e6:.2f} against {png / 1e6:.2f} MB; reduced to half first, "
                "whole when one looks closer)",
            ),
        ],
        [*PACKAGES, "matplotlib"],
        page.browser,
    )
