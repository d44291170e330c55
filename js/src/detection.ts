// DetectionPreview and DetectionComparison: the Python side is src/torchdial/widgets/preview/detection_preview.py.

import type { AnyModel } from "@anywidget/types";
import { h, select } from "./lib/core/dom";
import type { Guard } from "./lib/core/error_display";
import { range } from "./lib/core/metrics";
import { formatStop } from "./lib/core/stops";
import { debounce } from "./lib/core/timing";
import { type BoxChoice, createBoxChoices } from "./lib/detection/box_choices";
import { numOutside } from "./lib/detection/box_marks";
import { createBoxPainter } from "./lib/detection/box_painter";
import { createDetails } from "./lib/detection/detection_details";
import { createDials } from "./lib/detection/detection_dials";
import { detectionLegend } from "./lib/detection/detection_legend";
import { LONG, readout } from "./lib/detection/detection_readout";
import { createDetectionState, formatScore } from "./lib/detection/detection_state";
import {
  type DetectionTraits,
  type DetectionView,
  readTruths,
} from "./lib/detection/detection_wire";
import { createDetector, type Detector } from "./lib/detection/model_boxes";
import { bestSetting } from "./lib/detection/rules/best_setting";
import { DETECTION_METRICS, type DetectionMetric } from "./lib/detection/rules/detection_metrics";
import { decodedRenderer } from "./lib/preview/decoded_model";
import { createShell, type Preview } from "./lib/preview/preview_shell";
import { createToolbar, labelled } from "./lib/preview/toolbar";
import { createTypedField } from "./lib/preview/typed_field";
import { type Demand, whereMet } from "./lib/preview/typed_setting";
import { windowText } from "./lib/preview/window_text";
import { formatMetric } from "./lib/segmentation/segmentation_text";

const COUNT_DELAY_MS = 20;
const MAX_COUNT_DELAY_MS = 300;
const BAND_DELAY_MS = 150;

function show(model: AnyModel<DetectionTraits>, root: HTMLElement, guard: Guard): () => void {
  const state = createDetectionState(model, () => shell.changed());
  const { config } = state;
  const { stops, score_stops: scoreStops, class_names: names, has_targets: hasTargets } = config;
  const truths = readTruths(model.get("_targets"), config.num_images);
  let detectors: Detector[] = [];
  let metric: DetectionMetric = "f1";
  let choice: BoxChoice | null = null;

  const label = () => state.get("shown_class");
  const stopText = (k: number) => formatStop(stops, k);
  /** Name of the model, to put before its numbers; empty for a single model. */
  const prefixOf = ({ name }: Detector) => (detectors.length > 1 ? `${name}  ` : "");
  const hasCurves = hasTargets || model.get("_curves").some(Boolean);

  const best = () => detectors[0].bestOf(metric, label());

  const choices = createBoxChoices(config, () => ({
    detector: detectors[0],
    setting: state.setting,
    label: label(),
    metric,
    where: `score > ${formatScore(state.score)}`,
  }));

  const preview: Preview = {
    size: config,
    numImages: config.in_file ?? config.num_images,
    pageSize: config.page_size,
    keys:
      "Dials: arrows one step, Page keys ten, Home, End. " +
      "Map: arrows move the point along both dials.",
    bestTitle: "Go to the best score and NMS IoU",
    modelsPerImage: () => config.sources.length,

    bytesOf(key) {
      const [kind, image] = key.split("/");
      const [height, width] = config.sizes[Number(image)];
      return kind === "image" ? height * width * config.channels : null;
    },

    draw: (...what) => painter.draw(...what),
    describe: (...where) => painter.describe(...where),

    caption({ image, source }) {
      const detector = detectors[source];
      const words = config.num_images > 1 ? [String(image + 1)] : [];
      if (detectors.length > 1) words.push(detector.name);
      if (hasTargets) {
        const value = detector.measureImage(metric, label(), state.setting, image);
        if (!Number.isNaN(value)) words.push(`${LONG[metric]} ${formatMetric(value)}`);
      }
      const decided = detector.decide(state.setting)[image];
      const outside = numOutside(decided, config.sizes[image], label());
      if (outside) words.push(`${outside} outside the image`);
      if (detector.lacksMasks(image)) words.push("no masks here");
      const window = windowText(config.window);
      if (window) words.push(window);
      return words.join(" · ");
    },

    canRank: () => hasTargets,

    /** Images by the first model's metric at the dials, lowest first; undefined ones last. */
    rank() {
      const { setting } = state;
      const values = range(config.num_images).map((image) => {
        const value = detectors[0].measureImage(metric, label(), setting, image);
        return Number.isNaN(value) ? Number.POSITIVE_INFINITY : value;
      });
      const order = range(values.length).sort((a, b) => values[a] - values[b] || a - b);
      return { order, at: `${formatScore(state.score)}, ${stopText(setting.stop)}` };
    },

    goToBest() {
      const top = best();
      if (top) state.move({ score: scoreStops[top.score], stop: top.stop });
    },

    reset: () => state.reset(),
    undo: state.undo,
    chooseAll: () => {
      choice = null;
    },
    nextView: () => toolbar.nextView(),

    actions: (focus) => dials.actions(focus),

    readFrame() {
      const curves = model.get("_curves");
      const { sources } = model.get("_frame");
      const read = sources.map((source, i) =>
        createDetector(config, config.sources[i], source, truths, curves[i] ?? null),
      );
      shell.tiles.renew(sources.flatMap(({ tiles }) => tiles));
      painter.forget();
      detectors = read;
    },

    update() {
      const { setting, score } = state;
      const view = state.get("view");
      toolbar.update();
      if (!isTyping) maxDet.value = String(setting.maxDet);
      const focus = { detectors, metric, label: label() };
      dials.update(focus);
      updateReadout();
      shell.showLegend(detectionLegend(config, detectors, view, label()), (counts, text) =>
        choose(choices.ofLegend(counts, text)),
      );
      details.update(focus, detectors.length > 1 ? `${detectors[0].name}, ` : "");
      Object.assign(root.dataset, { score, stop: setting.stop, view });
      counting.call();
      estimating.call();
    },
  };
  const shell = createShell(model, root, guard, state.kernel, preview);
  const painter = createBoxPainter(
    state,
    shell.tiles,
    (source) => detectors[source],
    () => choice,
    () => shell.grid.redraw("overlay"),
  );

  /** Show the pictures and boxes that a clicked number counts. */
  function choose(chosen: BoxChoice): void {
    choice = chosen;
    shell.choose(chosen);
  }

  /** Counts at all stops of both dials, which take longer than an animation frame. */
  const counting = debounce(
    COUNT_DELAY_MS,
    () => {
      const { maxDet } = state.setting;
      const uncounted = detectors.filter((detector) => !detector.isCounted(maxDet));
      for (const detector of uncounted) detector.count(maxDet);
      if (uncounted.length) shell.changed();
    },
    MAX_COUNT_DELAY_MS,
  );

  /** The bootstrap band of the metric, computed after the dial has come to rest. */
  const estimating = debounce(BAND_DELAY_MS, () => {
    const [first] = detectors;
    if (!first.hasBand || first.bandOf(metric, label(), state.setting)) return;
    first.makeBand(metric, label(), state.setting);
    shell.changed();
  });

  const maxDet = h("input", {
    type: "number",
    class: "box-number",
    min: 1,
    step: 1,
    "aria-label": "max det",
    title: "At most this many boxes in each picture, those with the highest scores",
  });
  let isTyping = false; // updates leave the field unchanged meanwhile
  maxDet.addEventListener("input", () => {
    isTyping = true;
  });
  maxDet.addEventListener("blur", () => {
    isTyping = false;
  });
  maxDet.addEventListener("change", () => {
    isTyping = false;
    const wanted = maxDet.valueAsNumber;
    if (Number.isInteger(wanted) && wanted >= 1) state.set({ max_det: wanted });
    else shell.changed();
  });
  const metrics = select(
    "metric",
    DETECTION_METRICS.map((m) => [m, LONG[m]] as const),
  );
  metrics.addEventListener("change", () => {
    metric = metrics.value as DetectionMetric;
    shell.changed();
  });
  const views: DetectionView[] = hasTargets ? ["boxes", "errors", "ghosts"] : ["boxes", "ghosts"];
  const toolbar = createToolbar({
    views,
    view: () => state.get("view"),
    show: (view) => state.set({ view }),
    classes() {
      const own = state.get("class_thresholds");
      return names.map((name, c) =>
        typeof own[c] === "number" ? `${name} (${formatScore(own[c])})` : name,
      );
    },
    classesTitle:
      "Shows one class; the score dial then moves its own threshold. " +
      "A class's own threshold acts after NMS: it has no effect on which boxes are suppressed.",
    shown: label,
    showClass: (shown_class) => state.set({ shown_class }),
    controls: [
      labelled("max det", maxDet),
      labelled("metric", metrics, hasCurves),
      createTypedField<DetectionMetric>({
        metrics: hasCurves ? DETECTION_METRICS : [],
        goTo: (score) => state.move({ score }),
        demand,
        apply: state.apply,
      }),
    ],
    reset: shell.reset,
    undo: state.undo,
    canUndo: state.canUndo,
    help: shell.toggleHelp,
    toText: () => state.toPython(),
    toCsv: choices.toCsv,
    hasCsv: hasTargets,
  });
  const dials = createDials(state, hasCurves);
  const details = createDetails(state, hasCurves, { choices, choose, changed: shell.changed });

  /** Go to the best setting, by F1, of those that meet the demands. */
  function demand(demands: Demand<DetectionMetric>[]): void {
    const valuesOf = (which: DetectionMetric) => detectors[0].valuesOf(which, label()) ?? [];
    const met = whereMet(valuesOf("f1"), demands, valuesOf);
    const top = bestSetting(met, scoreStops.length);
    if (top) state.move({ score: scoreStops[top.score], stop: top.stop });
  }

  function updateReadout(): void {
    const { setting, score } = state;
    const own = setting.own.filter((t) => t !== null).length;
    const others = label() === null && own ? `, own thresholds: ${own}, after NMS` : "";
    const position = `score > ${formatScore(score)}${others}   NMS IoU ${stopText(setting.stop)}`;
    const lines = detectors.flatMap((detector) =>
      readout(config, detector, prefixOf(detector), metric, label(), setting, score),
    );
    shell.showReadout(position, lines, bestText());
  }

  /** "best F1 0.842 at score 0.31, NMS IoU 0.52 →", empty where the metric is undefined. */
  function bestText(): string {
    const [first] = detectors;
    const values = first.valuesOf(metric, label());
    const top = best();
    if (!values || !top) return "";
    const value = formatMetric(values[top.stop * scoreStops.length + top.score]);
    const where = `score ${formatScore(scoreStops[top.score])}, NMS IoU ${stopText(top.stop)}`;
    return `${prefixOf(first)}best ${LONG[metric]} ${value} at ${where} →`;
  }

  shell.assemble(toolbar.element, dials.element, details.elements);
  // For tests: the detections drawn over each picture, by their index in the input.
  Object.assign(root, {
    torchdialShown: () =>
      shell.cells().map((cell) => {
        const drawn = painter.drawnOver(cell);
        return drawn?.marks.map(({ as, index, faded = false }) => ({
          as,
          faded,
          index:
            as === "miss" || as === "aside" || as === "target"
              ? index
              : drawn.image.found.index[index],
        }));
      }),
  });
  return () => {
    counting.cancel();
    estimating.cancel();
    shell.dispose();
    state.dispose();
  };
}

export default decodedRenderer(show);
