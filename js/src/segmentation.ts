// SegmentationPreview and SegmentationComparison: the Python side is src/torchdial/widgets/preview/segmentation_dial.py.

import type { AnyModel } from "@anywidget/types";
import { Raster } from "./lib/canvas/raster";
import { clearCanvas, h, select } from "./lib/core/dom";
import type { Guard } from "./lib/core/error_display";
import { bestStop, nameOf, PIXEL_METRICS, type PixelMetric } from "./lib/core/metrics";
import { followSteps } from "./lib/core/step_link";
import { nearestStop } from "./lib/core/stops";
import { shorten } from "./lib/core/user_names";
import { formatMetric, gainText, imageCountText } from "./lib/numbers/metric_text";
import type { PictureChoice } from "./lib/numbers/picture_choice";
import { decodedRenderer } from "./lib/preview/decoded_model";
import { modelSwatch } from "./lib/preview/model_swatch";
import { createShell, type Preview } from "./lib/preview/preview_shell";
import { createThresholdDial } from "./lib/preview/threshold_dial";
import { createToolbar, FIRST_OPACITY, labelled, opacitySlider } from "./lib/preview/toolbar";
import { windowText } from "./lib/preview/window_text";
import { createMinSizeDial } from "./lib/segmentation/min_size_dial";
import { type ModelCounts, readModelCounts, Scope } from "./lib/segmentation/model_counts";
import { createPixelChoices } from "./lib/segmentation/pixel_choices";
import { type PixelStep, pixelTrack } from "./lib/segmentation/pixel_steps";
import { createSegmentationDetails } from "./lib/segmentation/segmentation_details";
import {
  imageNumbers,
  imageText,
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
import { formatOf, symbolOf } from "./lib/segmentation/stop_text";
import { createThresholdState } from "./lib/settings/threshold_state";
import { createTypedField } from "./lib/settings/typed_field";
import { type Demand, whereMet } from "./lib/settings/typed_setting";
import { createStepDial } from "./lib/steps/step_dial";
import type { Steps } from "./lib/steps/step_frames";

const LONGEST_NAME = 20;
const ERRORS_OPACITY = 0.9; // they are filled, and the picture below is pale

function show(model: AnyModel<SegmentationTraits>, root: HTMLElement, guard: Guard): () => void {
  const state = createThresholdState(model, () => shell.changed());
  const { config } = state;
  const { stops } = config;
  const raster = new Raster();
  let bySize = readSources();
  let firsts = bySize.map(([first]) => first);
  let sources = bySize[state.size];
  let metric: PixelMetric = "dice";
  const hasCurves = config.has_targets || model.get("_curves").some(Boolean);

  /** The counts of each model, at each minimum size. */
  function readSources(): ModelCounts[][] {
    const curves = model.get("_curves");
    const { sources } = model.get("_frame");
    return config.min_sizes.map((_, k) =>
      sources.map((source, i) => {
        const numbers = k ? source.opened[k - 1] : source;
        return readModelCounts(config, i, numbers, curves[i + k] ?? null); // sizes of one model
      }),
    );
  }

  const scope = () => new Scope(config, state.shown);
  const symbol = symbolOf(config);
  const at = (k: number) => formatOf(config)(stops, k);
  /** The model of some numbers, to put before them; nothing for a single model. */
  const nameOfModel = (i: number) => (sources.length > 1 ? [modelSwatch(i, sources[i].name)] : []);

  const choices = config.sources.map((_, i) =>
    createPixelChoices(config, () => ({
      source: sources[i],
      shown: state.shown,
      at: state.stops,
      metric,
      where: `${symbol} > ${at(state.stop)}`,
    })),
  );

  /** The best stop of model `i`, -1 for none. */
  const best = (i = 0): number => {
    const { track } = sources[i];
    return track ? scope().best(track, metric) : -1;
  };

  const preview: Preview = {
    size: config,
    numImages: config.in_file ?? config.num_images,
    pageSize: config.page_size,
    keys: "Dial: arrows one stop, Page keys ten, Home, End.",
    bestTitle: "Go to the best threshold",

    bytesOf: (key) => {
      if (key.startsWith("top/")) return null; // as many as classes are seen
      return config.height * config.width * (key.startsWith("image/") ? config.channels : 1);
    },

    sources: config.sources,
    /** The difference of two models is one picture. */
    modelsPerImage: () => (state.get("view") === "difference" ? 1 : config.sources.length),

    draw(context, cell, layer, region, dest) {
      clearCanvas(context);
      if (layer === "overlay") return painter.draw(context, cell, region, dest);
      const picture = shell.tiles.picture(cell.image);
      if (!picture) return false;
      const isPale = state.get("view") === "errors";
      raster.drawPicture(context, picture, [config.width, config.channels], region, dest, isPale);
      return true;
    },

    describe(cell, x, y) {
      const inside = cell && x >= 0 && y >= 0 && x < config.width && y < config.height;
      if (!inside) return "";
      return pixelText(config, shell.tiles, state.shown, cell.image, cell.source, x, y);
    },

    caption({ image, source }) {
      const words = config.num_images > 1 ? [String(image + 1)] : [];
      const models = preview.modelsPerImage() > 1 ? [source] : sources.keys();
      const of = [...models].map((i) =>
        imageText(scope(), sources[i].shown, metric, state.stops, image),
      );
      words.push(...new Set(of)); // the difference of two models has the numbers of both
      words.push(windowText(config.window), stepDial.caption());
      return words.filter(Boolean).join(" · ");
    },

    numbers: ({ image, source }) =>
      imageNumbers(scope(), sources[source].shown, state.stops, image),

    canRank: choices[0].canChoose,

    measure({ image, source }) {
      const { shown } = sources[source];
      if (!shown) return Number.NaN;
      const { positives, fp } = scope().pixels(shown, state.stops, image);
      if (positives + fp === 0) return Number.NaN; // nothing to find, and nothing found
      return scope().imageMetric(shown, metric, state.stops, image);
    },

    settingText: () => at(state.stop),

    goToBest() {
      if (best() >= 0) state.stop = best();
    },

    reset: () => state.reset(),
    undo: state.undo,
    nextView: () => toolbar.nextView(),
    actions: (focus) => ({ ...dial.actions(focus), ...stepDial.actions(focus) }),

    readFrame() {
      const read = readSources();
      shell.tiles.renew(model.get("_frame").sources.flatMap(({ tiles }) => tiles));
      bySize = read;
      firsts = read.map(([first]) => first);
    },

    update() {
      const view = state.get("view");
      const { shown, stops: now, size } = state;
      sources = bySize[size];
      painter.set({ view, shown, at: now, size });
      root.classList.toggle("torchdial-see-through", isSeeThrough(view));
      (opacity.parentElement as HTMLElement).hidden = !isSeeThrough(view);
      opacity.valueAsNumber = opacities.get(view) ?? FIRST_OPACITY;
      root.style.setProperty("--torchdial-opacity", opacity.value);
      toolbar.update();
      updateDial();
      sizeDial.update({
        size,
        counts: firsts,
        scope: scope(),
        metric,
        at: now,
        stop: state.stop,
        text: at,
      });
      stepDial.update(stops[state.stop]);
      updateReadout(now);
      const legend = segmentationLegend(config, view, shown).map(({ counts, ...entry }) =>
        counts !== undefined && choices[0].canCount(counts) ? { ...entry, counts } : entry,
      );
      shell.showLegend(legend, (counts, text) => choose(choices[0].ofLegend(counts, text)));
      sources.forEach((source, i) => {
        details[i].update(source, shown, now, () => nameOfModel(i));
      });
      root.dataset.stop = String(state.stop);
    },
  };
  const shell = createShell(model, root, guard, state.kernel, preview);
  const painter = new SegmentationPainter(config, shell.tiles);

  /** Show the pictures that a clicked number counts; null where these are not known. */
  function choose(choice: PictureChoice | null): void {
    if (choice) shell.choose(choice);
  }

  const metrics = select(
    "curve",
    PIXEL_METRICS.map((m) => [m, nameOf(m)] as const),
    () => {
      metric = metrics.value as PixelMetric;
      shell.changed();
    },
  );
  const opacities = new Map<SegmentationView, number>([["errors", ERRORS_OPACITY]]);
  const opacity = opacitySlider("opacity", (value) => {
    opacities.set(state.get("view"), value);
    root.style.setProperty("--torchdial-opacity", String(value));
  });
  const dial = createThresholdDial(state, at);
  const toolbar = createToolbar({
    views: viewsOf(config),
    view: () => state.get("view"),
    show: (view) => state.set({ view }),
    classes: dial.classes,
    shown: () => state.shown,
    showClass: (label) => state.set({ label }),
    controls: [
      labelled("curve", metrics, hasCurves),
      labelled("opacity", opacity),
      createTypedField<PixelMetric>({
        metrics: hasCurves ? PIXEL_METRICS : [],
        ...(config.of_scores && {
          range: [stops[0], stops[stops.length - 1]],
          example: at(stops.length >> 1),
        }),
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
    toCsv: () => choices[0].toCsv(),
    hasCsv: choices[0].canChoose(),
  });
  const sizeDial = createMinSizeDial(config.min_sizes, symbol, {
    input: (k) => {
      state.size = k;
    },
    commit: state.flush,
  });

  const stepDial = createStepDial(
    () => model.get("_steps") as Steps<PixelStep["counts"]>,
    { name: "threshold", at: stops, text: at },
    {
      track: (steps) =>
        pixelTrack(
          config,
          scope(),
          { key: metric, name: nameOf(metric) + (state.size ? " without minimum size" : "") },
          steps,
          state.stops,
          state.stop,
        ),
      go: (step) => state.set({ step }),
      move: (threshold) => {
        state.stop = nearestStop(stops, threshold);
      },
      commit: state.flush,
    },
  );

  function updateDial(): void {
    const { stop } = state;
    const curves = sources.map(({ track }) => (track ? scope().curve(track, metric) : []));
    dial.update({
      value: stop,
      curves,
      points: curves.map((curve) => curve[stop] ?? Number.NaN),
      bests: curves.map((curve, i) =>
        best(i) < 0 ? null : { value: best(i), height: curve[best(i)] },
      ),
      y: curves.some((curve) => curve.length) ? { name: nameOf(metric), top: "1" } : null,
      histogram: scope().histogram(sources[0]),
      valueText: `${symbol} > ${at(stop)}`,
    });
  }

  function updateReadout(now: number[]): void {
    const { task } = config;
    const { stop, shown } = state;
    const lines = sources.flatMap((source, i) => {
      const tallies = [...new Set([source.track, source.shown])].filter((tally) => tally !== null);
      const words = tallies.map((tally) => metricsText(scope(), source, tally, now));
      if (!source.shown) {
        const of = task === "multilabel" && shown === null ? "class maps" : "pixels";
        const share = shareText(scope().histogram(source), stop, of);
        words.push([share, imageCountText(config.num_images)]);
      }
      return words.map(([text, over], line) =>
        h(
          "span",
          {},
          ...nameOfModel(i),
          text,
          h("small", {}, ` ${over}`),
          ...(sources.length > 1 && line === 0 ? [h("small", {}, ` ${ownBest(i)}`)] : []),
        ),
      );
    });
    const least = config.min_sizes[state.size];
    const parts = least ? `, parts of at least ${least} pixels` : "";
    shell.showReadout(`${symbol} > ${at(stop)}${dial.others()}${parts}`, lines, ...bestTexts(now));
  }

  /** "at its best, p > 0.41: Dice 0.842", of one of two models. */
  function ownBest(i: number): string {
    const { track } = sources[i];
    const k = best(i);
    if (!track || k < 0) return "";
    const value = formatMetric(scope().curve(track, metric)[k]);
    return `at its best, ${symbol} > ${at(k)}: ${nameOf(metric)} ${value}`;
  }

  /** "best Dice at 0.41", of the first model, and "(+0.003)"; empty where there is none. */
  function bestTexts(now: number[]): [string, string] {
    const [{ track, name, shown }] = sources;
    const k = best();
    if (!track || k < 0) return ["", ""];
    const gain = gainText(scope().curve(track, metric)[k], scope().metric(track, metric, now));
    const of = sources.length > 1 ? ` of ${shorten(name, LONGEST_NAME)}` : "";
    const over = track === shown ? "" : ` over ${imageCountText(track.totalImages)}`;
    return [`best ${nameOf(metric)}${of}${over} at ${at(k)}`, gain];
  }

  /** Go to the best stop, by the first metric, of those that meet the demands. */
  function demand(demands: Demand<PixelMetric>[]): void {
    const { track } = sources[0];
    if (!track) return;
    const curve = (which: PixelMetric) => scope().curve(track, which);
    state.moveTogether(bestStop(whereMet(curve(PIXEL_METRICS[0]), demands, curve)));
  }

  const details = choices.map((of) =>
    createSegmentationDetails(config, { choices: of, choose, changed: shell.changed }),
  );
  const elements = details.flatMap((of) => of.elements);
  const dials = h("div", "dial-list", dial.element, ...sizeDial.elements, ...stepDial.elements);
  const panel = h("div", "dial-panel", dials, ...stepDial.maps);
  shell.assemble(toolbar.element, panel, elements);
  const stopFollowing = followSteps(config.run ?? "", (step) => state.set({ step }));
  return () => {
    stopFollowing();
    shell.dispose();
    state.dispose();
  };
}

export default decodedRenderer(show);
