// DetectionPreview and DetectionComparison: the Python side is src/torchdial/widgets/preview/detection_preview.py.

import type { AnyModel } from "@anywidget/types";
import { h, select } from "./lib/core/dom";
import type { Guard } from "./lib/core/error_display";
import { followSteps } from "./lib/core/step_link";
import { formatStop, nearestStop } from "./lib/core/stops";
import { debounce } from "./lib/core/timing";
import { shorten } from "./lib/core/user_names";
import { type BoxChoice, createBoxChoices } from "./lib/detection/box_choices";
import { numOutside } from "./lib/detection/box_marks";
import { createBoxPainter, LABELS, type Labels } from "./lib/detection/box_painter";
import { createBoxSteps, type WireBoxStep } from "./lib/detection/box_steps";
import { createDetails } from "./lib/detection/detection_details";
import { createDials } from "./lib/detection/detection_dials";
import { detectionLegend } from "./lib/detection/detection_legend";
import { LONG, lackText, readout, SPACE } from "./lib/detection/detection_readout";
import { createDetectionState, formatScore } from "./lib/detection/detection_state";
import {
  type DetectionTraits,
  type DetectionView,
  readTruths,
} from "./lib/detection/detection_wire";
import { createDetector, type Detector } from "./lib/detection/model_boxes";
import { bestSetting } from "./lib/detection/rules/best_setting";
import { DETECTION_METRICS, type DetectionMetric } from "./lib/detection/rules/detection_metrics";
import { formatMetric, gainText, imageCountText } from "./lib/numbers/metric_text";
import { decodedRenderer } from "./lib/preview/decoded_model";
import { modelSwatch } from "./lib/preview/model_swatch";
import { createShell, type NamedValue, type Preview } from "./lib/preview/preview_shell";
import { createToolbar, labelled } from "./lib/preview/toolbar";
import { windowText } from "./lib/preview/window_text";
import { createTypedField } from "./lib/settings/typed_field";
import { type Demand, whereMet } from "./lib/settings/typed_setting";
import { createStepDial } from "./lib/steps/step_dial";
import type { Steps } from "./lib/steps/step_frames";

const LONGEST_NAME = 20;
const COUNT_DELAY_MS = 20;
const MAX_COUNT_DELAY_MS = 300;
const BAND_DELAY_MS = 150;

function show(model: AnyModel<DetectionTraits>, root: HTMLElement, guard: Guard): () => void {
  const state = createDetectionState(model, () => shell.changed());
  const { config } = state;
  const { stops, score_stops: scoreStops, class_names: names, has_targets: hasTargets } = config;
  const truths = readTruths(model.get("_targets"), config.num_images);
  let detectors: Detector[] = [];
  let choice: BoxChoice | null = null;

  const stopText = (k: number) => formatStop(stops, k);
  /** The model of some numbers, to put before them; nothing for a single model. */
  const nameOfModel = (i: number) =>
    detectors.length > 1 ? [modelSwatch(i, detectors[i].name)] : [];
  const hasCurves = hasTargets || model.get("_curves").some(Boolean);

  const best = () => detectors[0].bestOf();

  const choices = config.sources.map((_, i) => createBoxChoices(state, () => detectors[i]));

  const preview: Preview = {
    size: config,
    numImages: config.in_file ?? config.num_images,
    pageSize: config.page_size,
    keys:
      "Dials: arrows one step, Page keys ten, Home, End. " +
      "Map: arrows move the point along both dials.",
    bestTitle: "Go to the best score and NMS IoU",
    sources: config.sources,
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
      const value = detector.measureImage(image);
      const lack = lackText(detector, image);
      const outside = numOutside(detector.decide()[image], config.sizes[image], state.label);
      return [
        config.num_images > 1 && image + 1,
        hasTargets && (lack || `${LONG[state.metric]} ${formatMetric(value)}`),
        outside && `${outside} outside the image`,
        detector.lacksMasks(image) && "no masks here",
        windowText(config.window),
        stepDial.caption(),
      ]
        .filter(Boolean)
        .join(" · ");
    },

    numbers({ image, source }) {
      if (!hasTargets) return [];
      const detector = detectors[source];
      const { tp, fp, positives } = detector.sumOf(image);
      const metrics = DETECTION_METRICS.map(
        (m): NamedValue => [LONG[m], formatMetric(detector.measureImage(image, m))],
      );
      return [
        ...(positives ? metrics : [["nothing to find", ""] as const]),
        ["found", String(tp)],
        ["false alarms", String(fp)],
        ["missed", String(positives - tp)],
      ];
    },

    canRank: () => hasTargets,

    measure({ image, source }) {
      const { tp, fp, positives } = detectors[source].sumOf(image);
      if (positives + fp + tp === 0) return Number.NaN; // nothing to find, and nothing found
      return detectors[source].measureImage(image);
    },

    settingText: () => `${formatScore(state.score)}, ${stopText(state.setting.stop)}`,

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

    actions: (focus) => ({ ...dials.actions(focus), ...stepDial.actions(focus) }),

    readFrame() {
      const curves = model.get("_curves");
      const { sources } = model.get("_frame");
      const read = sources.map((source, i) =>
        createDetector(state, config.sources[i], source, truths, curves[i] ?? null),
      );
      shell.tiles.renew(sources.flatMap(({ tiles }) => tiles));
      painter.forget();
      detectors = read;
    },

    update() {
      const { setting, score } = state;
      const view = state.get("view");
      toolbar.update();
      if (!maxDet.matches(":focus")) maxDet.value = String(setting.maxDet);
      dials.update(detectors);
      stepDial.update(score);
      updateReadout();
      const images = shell.cells().map(({ image }) => image);
      const legend = detectionLegend(config, detectors, view, state.label, images);
      shell.showLegend(legend, (counts, text) => choose(choices[0].ofLegend(counts, text)));
      details.update(detectors, nameOfModel);
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

  function count(): void {
    const uncounted = detectors.filter((detector) => !detector.isCounted());
    for (const detector of uncounted) detector.count();
    if (uncounted.length) shell.changed();
  }

  /** Counts at all stops of both dials, which take longer than an animation frame. */
  const counting = debounce(COUNT_DELAY_MS, count, MAX_COUNT_DELAY_MS);

  /** The bootstrap band of the metric, computed after the dial has come to rest. */
  const estimating = debounce(BAND_DELAY_MS, () => {
    const [first] = detectors;
    if (!first.hasBand || first.bandOf()) return;
    first.makeBand();
    shell.changed();
  });

  const maxDet = h("input", {
    type: "number",
    class: "select box-number",
    min: 1,
    step: 1,
    "aria-label": "max det",
    title: "At most this many boxes in each picture, those with the highest scores",
    onblur: shell.changed, // updates leave the field unchanged meanwhile
    onchange() {
      const wanted = maxDet.valueAsNumber;
      if (Number.isInteger(wanted) && wanted >= 1) state.set({ max_det: wanted });
      else maxDet.value = String(state.setting.maxDet);
    },
  });
  const metrics = select(
    "metric",
    DETECTION_METRICS.map((m) => [m, LONG[m]] as const),
    () => {
      state.metric = metrics.value as DetectionMetric;
      shell.changed();
    },
  );
  const labels = select(
    "labels",
    LABELS.map((where) => [where]),
    () => painter.setLabels(labels.value as Labels),
  );
  labels.title = "Names and scores of the boxes; on small pictures only under the pointer";
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
    shown: () => state.label,
    showClass: (shown) => state.set({ label: shown === null ? null : config.labels[shown] }),
    controls: [
      labelled("max det", maxDet),
      labelled("metric", metrics, hasCurves),
      createTypedField<DetectionMetric>({
        metrics: hasCurves ? DETECTION_METRICS : [],
        goTo: (score) => state.move({ score }),
        demand,
        apply: state.apply,
      }),
      labelled("labels", labels),
    ],
    reset: shell.reset,
    undo: state.undo,
    canUndo: state.canUndo,
    help: shell.toggleHelp,
    toText: () => state.toPython(),
    toCsv: choices[0].toCsv,
    hasCsv: hasTargets,
  });
  const trackOf = createBoxSteps(config, () => shell.changed());
  const stepDial = createStepDial(
    () => model.get("_steps") as Steps<WireBoxStep>,
    { name: "score", at: scoreStops, text: (k) => formatStop(scoreStops, k) },
    {
      track: (steps) =>
        trackOf(steps, state.metric, state.label, {
          score: nearestStop(scoreStops, state.score),
          stop: state.setting.stop,
        }),
      go: (step) => state.set({ step }),
      move: (score) => state.move({ score }),
      commit: state.flush,
    },
  );
  const dials = createDials(state, hasCurves, stepDial);
  const details = createDetails(state, hasCurves, choices, { choose, changed: shell.changed });

  /** Go to the best setting, by F1, of those that meet the demands. */
  function demand(demands: Demand<DetectionMetric>[]): void {
    count();
    const valuesOf = (which: DetectionMetric) => detectors[0].valuesOf(which) ?? [];
    const met = whereMet(valuesOf("f1"), demands, valuesOf);
    const top = bestSetting(met, scoreStops.length);
    if (top) state.moveTogether({ score: scoreStops[top.score], stop: top.stop });
  }

  function updateReadout(): void {
    const { setting, score } = state;
    const own = setting.own.filter((t) => t !== null).length;
    const others = state.label === null && own ? `, own thresholds: ${own}, after NMS` : "";
    const position = `score > ${formatScore(score).padEnd(5, SPACE)}${others}   NMS IoU ${stopText(setting.stop)}`;
    const lines = detectors.flatMap((detector, i) => [
      ...readout(state, detector, nameOfModel(i), i === 0 && detector.hasBand),
      ...(detectors.length > 1 && detector.bestOf()
        ? [h("span", {}, h("small", {}, `at its best: ${bestOf(detector)}`))]
        : []),
    ]);
    shell.showReadout(position, lines, ...bestTexts());
  }

  /** "F1 0.842 at score 0.31, NMS IoU 0.52", empty where there is none. */
  function bestOf(detector: Detector): string {
    const values = detector.valuesOf();
    const top = detector.bestOf();
    if (!values || !top) return "";
    const value = formatMetric(values[top.stop * scoreStops.length + top.score]);
    const over = detector.given ? ` over ${imageCountText(detector.given.totalImages)}` : "";
    const score = formatScore(scoreStops[top.score]);
    return `${LONG[state.metric]} ${value}${over} at score ${score}, NMS IoU ${stopText(top.stop)}`;
  }

  /** "best F1 0.842 at score 0.31, NMS IoU 0.52" and "(+0.003)"; empty where there is none. */
  function bestTexts(): [string, string] {
    const [first] = detectors;
    const values = first.valuesOf();
    const top = best();
    if (!values || !top) return ["", ""];
    const now = dials.valueHere(first);
    const gain = gainText(values[top.stop * scoreStops.length + top.score], now);
    const of = detectors.length > 1 ? `${shorten(first.name, LONGEST_NAME)}: ` : "";
    return [`${of}best ${bestOf(first)}`, gain];
  }

  shell.assemble(toolbar.element, dials.element, details.elements);
  // For tests: what is drawn over each picture.
  Object.assign(root, { torchdialDrawn: () => shell.cells().map(painter.drawnOver) });
  const stopFollowing = followSteps(config.run ?? "", (step) => state.set({ step }));
  return () => {
    stopFollowing();
    counting.cancel();
    estimating.cancel();
    shell.dispose();
    state.dispose();
  };
}

export default decodedRenderer(show);
