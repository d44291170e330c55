// SegmentationPreview and SegmentationComparison: the Python side is src/torchdial/widgets/preview/segmentation_dial.py.

import type { AnyModel } from "@anywidget/types";
import { toPaleGrey } from "./lib/canvas/error_painting";
import { fillPicture, Raster } from "./lib/canvas/raster";
import { h, select } from "./lib/core/dom";
import type { Guard } from "./lib/core/error_display";
import { bestStop, nameOf, PIXEL_METRICS, type PixelMetric, range } from "./lib/core/metrics";
import { formatStop, nearestStop } from "./lib/core/stops";
import { createCurveSlider, quarters } from "./lib/preview/curve_slider";
import { createShell, type Preview, renderer } from "./lib/preview/preview_shell";
import { imageKey } from "./lib/preview/tile_store";
import { createToolbar, FIRST_OPACITY, labelled, opacitySlider } from "./lib/preview/toolbar";
import { createTypedField } from "./lib/preview/typed_field";
import { type Demand, whereMet } from "./lib/preview/typed_setting";
import { windowText } from "./lib/preview/window_text";
import { type ModelCounts, readModelCounts, Scope } from "./lib/segmentation/model_counts";
import { createPixelChoices } from "./lib/segmentation/pixel_choices";
import { createSegmentationDetails } from "./lib/segmentation/segmentation_details";
import { createSegmentationState } from "./lib/segmentation/segmentation_state";
import {
  formatMetric,
  imageCountText,
  metricsText,
  pixelText,
  shareText,
} from "./lib/segmentation/segmentation_text";
import {
  isSeeThrough,
  SegmentationPainter,
  segmentationLegend,
  viewsOf,
} from "./lib/segmentation/segmentation_views";
import type { SegmentationTraits, SegmentationView } from "./lib/segmentation/segmentation_wire";

const ERRORS_OPACITY = 0.9; // they are filled, and the picture below is pale

function show(model: AnyModel<SegmentationTraits>, root: HTMLElement, guard: Guard): () => void {
  const state = createSegmentationState(model, () => shell.changed());
  const { config } = state;
  const { stops, class_names: names } = config;
  const raster = new Raster();
  let sources: ModelCounts[] = [];
  let metric: PixelMetric = "dice";
  const hasCurves = config.has_targets || model.get("_curves").some(Boolean);

  const scope = () => new Scope(config, state.shown);
  const at = (k: number) => formatStop(stops, k);
  /** Name of the model, to put before its numbers; empty for a single model. */
  const nameOfModel = ({ name }: ModelCounts) => (sources.length > 1 ? `${name}  ` : "");

  const choices = createPixelChoices(config, () => ({
    source: sources[0],
    shown: state.shown,
    at: state.stops,
    metric,
    where: `p > ${at(state.stop)}`,
  }));

  const best = (): number => {
    const { track } = sources[0];
    return track ? scope().best(track, metric) : -1;
  };

  const moveBy = (by: number) => () => {
    state.stop = Math.min(Math.max(state.stop + by, 0), stops.length - 1);
  };

  const preview: Preview = {
    size: config,
    numImages: config.in_file ?? config.num_images,
    pageSize: config.page_size,
    keys: "Dial: arrows one stop, Page keys ten, Home, End.",
    bestTitle: "Go to the best threshold",

    bytesOf: (key) =>
      config.height * config.width * (key.startsWith("image/") ? config.channels : 1),

    /** The difference of two models is one picture. */
    modelsPerImage: () => (state.get("view") === "difference" ? 1 : config.sources.length),

    draw(context, cell, layer, region, dest) {
      if (layer === "overlay") return painter.draw(context, cell, region, dest);
      const { width, channels } = config;
      const pixels = shell.tiles.get(imageKey(cell.image));
      if (!pixels) return false;
      raster.draw(context, region, dest, (out) => {
        fillPicture(out, pixels, width, channels, region);
        if (state.get("view") === "errors") toPaleGrey(out);
      });
      return true;
    },

    describe(cell, x, y) {
      const inside = cell && x >= 0 && y >= 0 && x < config.width && y < config.height;
      if (!inside) return "";
      return pixelText(config, shell.tiles, state.shown, cell.image, cell.source, x, y);
    },

    caption({ image, source }) {
      const { name, shown } = sources[source];
      const words = config.num_images > 1 ? [String(image + 1)] : [];
      const models = preview.modelsPerImage();
      if (models > 1) words.push(name);
      const value = shown ? scope().imageMetric(shown, metric, state.stops, image) : Number.NaN;
      if (!Number.isNaN(value) && models === sources.length) {
        words.push(`${nameOf(metric)} ${formatMetric(value)}`);
      }
      const window = windowText(config.window);
      if (window) words.push(window);
      return words.join(" · ");
    },

    canRank: () => sources[0].shown?.counts.numImages === config.num_images,

    /** Images by the first model's metric at the dial, lowest first; undefined ones last. */
    rank() {
      const { shown } = sources[0];
      const now = state.stops;
      const values = range(config.num_images).map((image) => {
        const value = shown ? scope().imageMetric(shown, metric, now, image) : Number.NaN;
        return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
      });
      const order = range(values.length).sort((a, b) => values[a] - values[b] || a - b);
      return { order, at: at(state.stop) };
    },

    goToBest() {
      const k = best();
      if (k >= 0) state.stop = k;
    },

    reset: () => state.reset(),
    undo: state.undo,
    nextView: () => toolbar.nextView(),
    actions: (focus) => (focus === dial.input ? { pageup: moveBy(10), pagedown: moveBy(-10) } : {}),

    readFrame() {
      const curves = model.get("_curves");
      const frame = model.get("_frame");
      const read = frame.sources.map((source, i) =>
        readModelCounts(config, i, source, curves[i] ?? null),
      );
      shell.tiles.renew(frame.sources.flatMap(({ tiles }) => tiles));
      sources = read;
    },

    update() {
      const view = state.get("view");
      const { shown, stops: now } = state;
      painter.set({ view, shown, at: now });
      root.classList.toggle("torchdial-see-through", isSeeThrough(view));
      (opacity.parentElement as HTMLElement).hidden = !isSeeThrough(view);
      opacity.valueAsNumber = opacities.get(view) ?? FIRST_OPACITY;
      root.style.setProperty("--torchdial-opacity", opacity.value);
      toolbar.update();
      updateDial();
      updateReadout(now);
      shell.showLegend(segmentationLegend(config, view, shown), (counts, text) =>
        shell.choose(choices.ofLegend(counts, text)),
      );
      details.update(sources[0], shown, now, nameOfModel(sources[0]));
      root.dataset.stop = String(state.stop);
    },
  };
  const shell = createShell(model, root, guard, state.kernel, preview);
  const painter = new SegmentationPainter(config, shell.tiles);

  const metrics = select(
    "curve",
    PIXEL_METRICS.map((m) => [m, nameOf(m)] as const),
  );
  metrics.addEventListener("change", () => {
    metric = metrics.value as PixelMetric;
    shell.changed();
  });
  const opacities = new Map<SegmentationView, number>([["errors", ERRORS_OPACITY]]);
  const opacity = opacitySlider("opacity", (value) => {
    opacities.set(state.get("view"), value);
    root.style.setProperty("--torchdial-opacity", String(value));
  });
  const toolbar = createToolbar({
    views: viewsOf(config),
    view: () => state.get("view"),
    show: (view) => state.set({ view }),
    classes() {
      const own = state.get("class_thresholds");
      const now = state.stops;
      return names.map((name, c) =>
        typeof own[c] === "number" ? `${name} (${at(now[c])})` : name,
      );
    },
    shown: () => state.shown,
    showClass: (shown_class) => state.set({ shown_class }),
    controls: [
      labelled("curve", metrics, hasCurves),
      labelled("opacity", opacity),
      createTypedField<PixelMetric>({
        metrics: hasCurves ? PIXEL_METRICS : [],
        goTo: (value) => {
          state.stop = nearestStop(stops, value);
        },
        demand,
        apply: state.apply,
      }),
    ],
    reset: shell.reset,
    undo: state.undo,
    canUndo: state.canUndo,
    help: shell.toggleHelp,
    toText: () => state.toJson(),
    toCsv: () => choices.toCsv(),
    hasCsv: config.has_targets,
  });
  const dial = createCurveSlider({
    name: "threshold",
    max: stops.length - 1,
    step: 1,
    ticks: quarters(stops.map((_, k) => at(k))),
    input: (k) => {
      state.stop = k;
    },
    commit: state.flush,
  });

  function updateDial(): void {
    const { stop } = state;
    const tracks = sources.flatMap(({ track }) => (track ? [track] : []));
    const curves = tracks.map((tally) => scope().curve(tally, metric));
    const top = best();
    dial.update({
      value: stop,
      curves,
      points: curves.map((curve) => curve[stop]),
      best: top < 0 ? null : { value: top, height: curves[0][top] },
      histogram: scope().histogram(sources[0]),
      valueText: `p > ${at(stop)}`,
    });
  }

  function updateReadout(now: number[]): void {
    const { task } = config;
    const { stop, shown } = state;
    const lines = sources.flatMap((source) => {
      const tallies = [...new Set([source.track, source.shown])].filter((tally) => tally !== null);
      const words = tallies.map((tally) => metricsText(scope(), source, tally, now));
      if (!source.shown) {
        const of = task === "multilabel" && shown === null ? "class maps" : "pixels";
        const share = shareText(scope().histogram(source), stop, of);
        words.push([share, imageCountText(config.num_images)]);
      }
      return words.map(([text, over]) =>
        h("span", {}, `${nameOfModel(source)}${text}`, h("small", {}, over)),
      );
    });
    const own = state.get("class_thresholds").filter((t) => t !== null).length;
    const others = shown === null && own ? `, own thresholds: ${own}` : "";
    const top = best();
    const to = `${nameOfModel(sources[0])}best ${nameOf(metric)} at ${top < 0 ? "" : at(top)} →`;
    shell.showReadout(`p > ${at(stop)}${others}`, lines, top < 0 ? "" : to);
  }

  /** Go to the best stop, by the first metric, of those that meet the demands. */
  function demand(demands: Demand<PixelMetric>[]): void {
    const { track } = sources[0];
    if (!track) return;
    const curve = (which: PixelMetric) => scope().curve(track, which);
    state.stop = bestStop(whereMet(curve(PIXEL_METRICS[0]), demands, curve));
  }

  const details = createSegmentationDetails(config, {
    choices,
    choose: shell.choose,
    changed: shell.changed,
  });
  shell.assemble(toolbar.element, dial.element, details.elements);
  return () => {
    shell.dispose();
    state.dispose();
  };
}

export default renderer(show);
