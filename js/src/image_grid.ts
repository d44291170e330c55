// ImageGrid: the Python side is src/torchdial/widgets/image_grid.py.

import type { AnyModel } from "@anywidget/types";
import { createPictureGrid } from "./lib/canvas/picture_grid";
import { float32Of } from "./lib/core/bytes";
import { button, clearCanvas, h } from "./lib/core/dom";
import type { Guard } from "./lib/core/error_display";
import { handleMessages } from "./lib/core/kernel_messages";
import { createSettings } from "./lib/core/synced_settings";
import { beforePaint, throttle } from "./lib/core/timing";
import { inText } from "./lib/core/user_names";
import { listen } from "./lib/core/widget_model";
import { labelsAt, nameOfLabel } from "./lib/images/classes_at";
import { createImagePainter } from "./lib/images/image_painter";
import { createImageStore, type ImageGridMessage } from "./lib/images/image_store";
import { arrowKeys, type KeyActions, runKey, zoomKeys } from "./lib/preview/grid_keys";
import { createLegend, scaleEntry } from "./lib/preview/legend";
import { createPages } from "./lib/preview/picture_pages";
import { renderer } from "./lib/preview/preview_shell";
import type { WireTile } from "./lib/preview/preview_wire";
import { FIRST_OPACITY, labelled, opacitySlider } from "./lib/preview/toolbar";

const PIXEL_REQUEST_MS = 80; // shortest time between requests for the values of a pixel
const GRID_KEYS =
  "Click selects a picture; double-click and the wheel zoom, dragging moves all pictures together. " +
  "Arrows move or turn the page, + − 0 zoom, R resets, 1–9 one picture alone, O overlays on and off.";

interface ImageGridTraits {
  selected: number[];
  _config: {
    num_images: number;
    /** Number of images in a report, where some were left out. */
    in_file?: number;
    height: number;
    width: number;
    page_size: number;
    has_overlays: boolean;
    /** Names by label. */
    class_names: Record<string, string>;
    /** The scale of a colour map; null where there is none, or one for each picture. */
    color_bar: { low: number; high: number; colors: string[] } | null;
  };
  _frame: { version: number; tiles: WireTile[] };
  _notice: string;
}

function show(model: AnyModel<ImageGridTraits>, root: HTMLElement, guard: Guard): () => void {
  const settings = createSettings(model, ["selected"], [], () => updating.call());
  const { kernel } = settings;
  const updating = beforePaint(guard(update));
  let requests = 0;
  let problem = "";
  let pointer: { image: number; x: number; y: number } | null = null;
  let known = ""; // the last pixel that the kernel sent, with its values
  const store = createImageStore((keys) => kernel.send({ type: "need", id: ++requests, keys }));
  store.take(model.get("_frame").tiles);
  const painter = createImagePainter(store, () => model.get("_config").class_names);
  const asking = throttle(PIXEL_REQUEST_MS, () => {
    if (pointer) kernel.send({ type: "pixel", id: ++requests, ...pointer });
  });

  const notice = h("div", { class: "notice", role: "alert" });
  const hovered = h("div", { class: "hovered" });
  const help = h("div", { class: "keys", hidden: true }, GRID_KEYS);
  const chosen = h("span", { class: "lines" });
  const clear = button("clear", "Clear the selection", () => settings.set({ selected: [] }));
  const opacity = opacitySlider("overlay", (value) => {
    painter.opacity = value;
    grid.redraw("overlay");
  });
  painter.opacity = FIRST_OPACITY;
  const toggleHelp = () => {
    help.hidden = !help.hidden;
  };
  const overlay = labelled("overlay", opacity);
  const tools = h(
    "div",
    { class: "toolbar", role: "toolbar", "aria-label": "pictures" },
    overlay,
    chosen,
    clear,
    h("span", { class: "spring" }),
    button("reset", "Show the whole pictures", () => grid.zoom(0)),
    button("?", "Show the keys", toggleHelp),
  );
  const legend = createLegend();
  let { grid, pages } = make();
  root.append(tools, help, notice, pages.element, grid.element, hovered, legend.element);
  root.addEventListener("keydown", onKey);
  const stopListening = [
    listen(model, ["_frame"], guard(onFrame)),
    listen(model, ["_config"], guard(onConfig)),
    listen(model, ["_notice"], updating.call),
    handleMessages<ImageGridMessage>(model, guard, {
      tiles(message, buffers) {
        if (message.version !== model.get("_frame").version) return;
        store.take(message.keys.map((key, i) => ({ key, data: buffers[i] })));
        grid.redraw("picture", "overlay");
        updating.call();
      },
      pixel(message) {
        known = `${placeOf(message)}  ${message.values}`;
        updateHovered();
      },
      error({ message }) {
        problem = message;
        updating.call();
      },
    }),
  ];
  updating.call();

  /** Make the grid and its pages for the number and size of the pictures. */
  function make() {
    const {
      width,
      height,
      num_images,
      in_file: count = num_images,
      page_size: size,
      has_overlays,
    } = model.get("_config");
    const made = createPictureGrid(
      { width, height },
      {
        guard,
        draw: (context, cell, layer, region, dest) => {
          const image = pages.images()[cell];
          // An untouched canvas takes no memory and no time.
          if (layer === "picture" || has_overlays) clearCanvas(context);
          return layer === "picture"
            ? painter.drawPicture(context, image, region, dest)
            : painter.drawOverlay(context, image, region, dest);
        },
        hover(cell, x, y) {
          pointer = cell === null ? null : { image: pages.images()[cell], x, y };
          if (pointer && store.isInside(pointer.image, x, y)) asking.call();
          updateHovered();
        },
        choose: (cell) => pages.pick(cell),
        click: (cell) => toggle(pages.images()[cell]),
      },
    );
    const paged = createPages(count, size, {
      orders: [],
      canRank: () => false,
      changed: () => {
        problem = ""; // of pictures that may be out of sight now
        updating.call();
      },
    });
    return { grid: made, pages: paged };
  }

  function onFrame(): void {
    store.drop();
    store.take(model.get("_frame").tiles);
    known = "";
    grid.redraw("picture", "overlay");
    updating.call();
  }

  /** New pictures may differ in number and size. */
  function onConfig(): void {
    const before = { grid, pages };
    ({ grid, pages } = make());
    before.grid.element.replaceWith(grid.element);
    before.pages.element.replaceWith(pages.element);
    before.grid.dispose();
    updating.call();
  }

  // Input

  function toggle(image: number): void {
    const selected = settings.get("selected");
    const without = selected.filter((i) => i !== image);
    settings.set({
      selected: without.length < selected.length ? without : [...selected, image],
    });
  }

  function onKey(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return; // shortcuts of the host
    e.stopPropagation();
    if (e.target === opacity) return;
    const actions: KeyActions = {
      ...arrowKeys(grid, pages),
      ...zoomKeys(grid),
      r: () => grid.zoom(0),
      o: () => {
        painter.isOverlaid = !painter.isOverlaid;
        grid.redraw("overlay");
      },
      "?": toggleHelp,
    };
    runKey(e, actions, pages);
  }

  // What is shown

  function update(): void {
    const images = pages.images();
    const selected = settings.get("selected");
    store.keep(images);
    grid.setCells(images.length);
    grid.flush();
    images.forEach((image, cell) => {
      const { caption = "", range = "" } = store.about(image) ?? {};
      const words = [inText(caption), range].filter(Boolean).join("  ");
      grid.setCaption(cell, words || String(image + 1), caption || `picture ${image + 1}`);
      const { classList } = grid.element.children[cell];
      classList.toggle("torchdial-marked", selected.includes(image));
    });
    pages.update();
    const bar = model.get("_config").color_bar;
    legend.show(bar ? [scaleEntry(bar.colors, formatValue(bar.low), formatValue(bar.high))] : []);
    overlay.hidden = !model.get("_config").has_overlays;
    clear.hidden = chosen.hidden = selected.length === 0;
    chosen.textContent = `${selected.length} chosen`;
    const text = [kernel.message, model.get("_notice") || problem].filter(Boolean).join("\n");
    notice.hidden = text === "";
    notice.textContent = text;
    updateHovered();
    root.dataset.version = String(model.get("_frame").version);
  }

  /** Show the pixel under the pointer, with its values once the kernel has sent them. */
  function updateHovered(): void {
    if (!pointer || !store.isInside(pointer.image, pointer.x, pointer.y)) {
      hovered.textContent = "";
      return;
    }
    const place = placeOf(pointer);
    const value = known.startsWith(`${place}  `) ? known : place;
    hovered.textContent = [value, ...classesAt(pointer)].join("  ");
  }

  /** The names of the classes under the pointer. */
  function classesAt({ image, x, y }: { image: number; x: number; y: number }): string[] {
    const about = store.about(image);
    if (!about || !painter.isOverlaid) return [];
    const boxes = store.held(`boxes/${image}`);
    const numbers = boxes && float32Of(boxes);
    const labels = labelsAt(about, store.held(`mask/${image}`), numbers, x, y);
    return labels.map((label) => inText(nameOfLabel(model.get("_config").class_names, label)));
  }

  return () => {
    for (const stop of stopListening) stop();
    settings.dispose();
    asking.cancel();
    updating.cancel();
    grid.dispose();
  };
}

function formatValue(value: number): string {
  return value.toPrecision(4).replace("-", "−");
}

function placeOf({ image, x, y }: { image: number; x: number; y: number }): string {
  return `picture ${image + 1} (${x}, ${y})`;
}

export default renderer(show);
