// DetectionPreview and DetectionComparison: src/torchdial/widgets/detection.py is the other half.

import { best as bestOf } from "./lib/boxes/best";
import { confusion } from "./lib/boxes/confusion";
import { keptCounts } from "./lib/boxes/kept";
import type { DetectionMetric } from "./lib/boxes/metric";
import { matrixTable } from "./lib/confusion";
import { createDetector, type Detector } from "./lib/detection/detector";
import { legend } from "./lib/detection/legend";
import { createMap } from "./lib/detection/map";
import { createPainter } from "./lib/detection/painter";
import { apName, LONG, nearestScore, readout } from "./lib/detection/readout";
import { createDetectionState, formatScore } from "./lib/detection/state";
import { confusionMatrix, countsTable, prChart } from "./lib/detection/tables";
import { type DetectionTraits, readTruths, type View } from "./lib/detection/wire";
import { createDial, quarters } from "./lib/dial";
import { h, select } from "./lib/dom";
import { range } from "./lib/metrics";
import type { Model } from "./lib/model";
import { createShell, type Preview, renderer } from "./lib/shell";
import { formatStop } from "./lib/stops";
import { whenResting } from "./lib/timing";
import { createToolbar, labelled } from "./lib/toolbar";
import { countOf, formatMetric } from "./lib/words";

const SCORE_STEP = 0.01;
const SCORE_PAGE = 0.1;
const STOPS_PAGE = 10;
const COUNTING_MS = 20;
const LATEST_MS = 300;
const RESTING_MS = 150;

function show(model: Model<DetectionTraits>, root: HTMLElement): () => void {
  const state = createDetectionState(model, () => shell.changed());
  const { config } = state;
  const { stops, score_stops: scoreStops, class_names: names, has_targets: hasTargets } = config;
  const zeroDivision = config.zero_division ?? Number.NaN;
  const truths = readTruths(model.get("_targets"), config.num_images);
  let detectors: Detector[] = [];
  let metric: DetectionMetric = "f1";

  const label = () => state.get("shown_class");
  const stopText = (k: number) => formatStop(stops, k);
  /** Which model a number is of, where there are two. */
  const prefixOf = ({ name }: Detector) => (detectors.length > 1 ? `${name}  ` : "");
  const hasCurves = hasTargets || model.get("_curves").some(Boolean);

  const best = () => detectors[0].bestOf(metric, label());

  const preview: Preview = {
    size: config,
    numImages: config.num_images,
    pageSize: config.page_size,
    keys:
      "Dials: arrows one step, Page keys ten, Home, End. " +
      "Map: arrows move the point along both dials.",
    bestTitle: "Go to the best score and NMS IoU",
    modelsPerImage: () => config.sources.length,
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
      return words.join(" · ");
    },

    canRank: () => hasTargets,

    /** Images by the first model's metric at the dials; where it is undefined, last. */
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
    nextView: () => toolbar.nextView(),

    actions(focus) {
      const score = (by: number) => () => state.move({ score: state.score + by });
      const stop = (by: number) => () => state.move({ stop: state.setting.stop + by });
      const left = { arrowleft: score(-SCORE_STEP), arrowright: score(SCORE_STEP) };
      if (focus === map.field) {
        const pages = { pageup: stop(STOPS_PAGE), pagedown: stop(-STOPS_PAGE) };
        return { ...left, arrowup: stop(1), arrowdown: stop(-1), ...pages };
      }
      if (focus === scoreDial.input) {
        const pages = { pageup: score(SCORE_PAGE), pagedown: score(-SCORE_PAGE) };
        return { ...left, arrowup: score(SCORE_STEP), arrowdown: score(-SCORE_STEP), ...pages };
      }
      if (focus !== nmsDial.input) return {};
      return { pageup: stop(STOPS_PAGE), pagedown: stop(-STOPS_PAGE) };
    },

    readFrame() {
      const curves = model.get("_curves");
      const { sources } = model.get("_frame");
      shell.tiles.drop();
      painter.forget();
      for (const source of sources) shell.tiles.put(source.tiles);
      detectors = sources.map((source, i) =>
        createDetector(config, config.sources[i], source, truths, curves[i] ?? null),
      );
    },

    update() {
      const { setting, score } = state;
      const view = state.get("view");
      toolbar.update();
      maxDet.value = String(setting.maxDet);
      updateDials();
      updateReadout();
      shell.explain(legend(config, detectors, view, label()));
      updateDetails();
      Object.assign(root.dataset, { score, stop: setting.stop, view });
      counting.call();
      estimating.call();
    },
  };
  const shell = createShell(model, root, preview);
  const painter = createPainter(
    state,
    shell.tiles,
    (source) => detectors[source],
    () => shell.grid.redraw("overlay"),
  );

  /** What takes longer than a frame: counts at all stops of both dials. */
  const counting = whenResting(
    COUNTING_MS,
    () => {
      const { maxDet } = state.setting;
      const uncounted = detectors.filter((detector) => !detector.isCounted(maxDet));
      for (const detector of uncounted) detector.count(maxDet);
      if (uncounted.length) shell.changed();
    },
    LATEST_MS,
  );

  /** How much chance is in the metrics: once the hand rests, since nobody waits for it. */
  const estimating = whenResting(RESTING_MS, () => {
    const [first] = detectors;
    if (!first.hasBand || first.bandOf(metric, label(), state.setting)) return;
    first.makeBand(metric, label(), state.setting);
    shell.changed();
  });

  const maxDet = h("input", {
    type: "number",
    class: "number",
    min: 1,
    step: 1,
    "aria-label": "max det",
    title: "At most so many boxes a picture, those with the highest scores",
  });
  maxDet.addEventListener("change", () => {
    const wanted = maxDet.valueAsNumber;
    if (Number.isInteger(wanted) && wanted >= 1) state.set({ max_det: wanted });
    else shell.changed();
  });
  const metrics = select(
    "metric",
    (["f1", "precision", "recall"] as const).map((m) => [m, LONG[m]] as const),
  );
  metrics.addEventListener("change", () => {
    metric = metrics.value as DetectionMetric;
    shell.changed();
  });
  const views: View[] = hasTargets ? ["boxes", "errors", "ghosts"] : ["boxes", "ghosts"];
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
      "A class's own threshold acts after NMS: it changes nothing about what suppresses what.",
    shown: label,
    showClass: (shown_class) => state.set({ shown_class }),
    controls: [labelled("max det", maxDet), labelled("metric", metrics, hasCurves)],
    reset: shell.reset,
    help: shell.toggleHelp,
    toText: () => state.toPython(),
  });
  const scoreDial = createDial({
    name: "score threshold",
    max: 1,
    step: "any",
    at: scoreStops,
    ticks: [0, 0.25, 0.5, 0.75, 1].map((at) => [at, formatScore(at)] as const),
    input: (score) => state.move({ score }),
    commit: state.flush,
  });
  const nmsDial = createDial({
    name: "NMS IoU",
    max: stops.length - 1,
    step: 1,
    ticks: quarters(stops.map((_, k) => stopText(k))),
    input: (stop) => state.move({ stop }),
    commit: state.flush,
  });
  const map = createMap(stops.length, scoreStops, {
    move: state.move,
    commit: state.flush,
  });
  const named = (name: string, words: string) =>
    h("div", { class: "dial-name" }, h("b", {}, name), words);
  const dials = h(
    "div",
    { class: "dials" },
    named("score", `  ${hasCurves ? "line: the metric, " : ""}bars: candidates`),
    scoreDial.element,
    named(
      "NMS IoU",
      config.after_nms
        ? "  line: boxes kept; they come from an NMS, so it can only tighten"
        : "  line: boxes kept; further right, more overlap",
    ),
    nmsDial.element,
  );
  const details = ["precision over recall", "counts of each class", "confusion matrix"].map(
    (name) => h("details", { class: "details" }, h("summary", {}, name), h("div")),
  );

  function updateDials(): void {
    const { setting, score } = state;
    const { stop } = setting;
    const size = scoreStops.length;
    const curves = detectors.flatMap((detector) => {
      const values = detector.valuesOf(metric, label());
      return values ? [Array.from({ length: size }, (_, s) => values[stop * size + s])] : [];
    });
    const top = best();
    const [first] = detectors;
    const along = curves.length > 0 && bestOf(Float64Array.from(curves[0]), size);
    const at = nearestScore(config, score);
    scoreDial.update({
      value: score,
      curves,
      points: detectors.map((detector, i) =>
        detector.given || !hasTargets
          ? (curves[i]?.[at] ?? 0)
          : detector.measure(metric, label(), setting),
      ),
      best: along ? { value: scoreStops[along.score], height: curves[0][along.score] } : null,
      histogram: first.histogram(label()),
      band: first.hasBand ? first.bandOf(metric, label(), setting) : null,
      valueText: `score > ${formatScore(score)}`,
    });
    const kept = detectors.map(({ scenes }) =>
      keptCounts(
        scenes.map(({ found }) => found),
        setting,
        stops.length,
        label(),
      ),
    );
    const most = Math.max(1, ...kept.map((counts) => Math.max(...counts)));
    const shares = kept.map((counts) => counts.map((count) => count / most));
    nmsDial.update({
      value: stop,
      curves: shares,
      points: shares.map((share) => share[stop]),
      best: null,
      valueText: `NMS IoU ${stopText(stop)}`,
    });
    map.element.hidden = !hasCurves;
    const value = first.measure(metric, label(), setting);
    map.update({
      values: first.valuesOf(metric, label()),
      score,
      stop,
      best: top,
      name: LONG[metric],
      valueText: `score ${formatScore(score)}, NMS IoU ${stopText(stop)}, ${LONG[metric]} ${formatMetric(value)}`,
    });
  }

  function updateReadout(): void {
    const { setting, score } = state;
    const own = setting.own.filter((t) => t !== null).length;
    const others = label() === null && own ? `, ${own} of their own, after NMS` : "";
    const position = `score > ${formatScore(score)}${others}   NMS IoU ${stopText(setting.stop)}`;
    const lines = detectors.flatMap((detector) =>
      readout(config, detector, prefixOf(detector), metric, label(), setting, score),
    );
    shell.say(position, lines, bestInWords());
  }

  /** "best F1 0.842 at score 0.31, NMS IoU 0.52 →", or nothing where nothing is defined. */
  function bestInWords(): string {
    const [first] = detectors;
    const values = first.valuesOf(metric, label());
    const top = best();
    if (!values || !top) return "";
    const value = formatMetric(values[top.stop * scoreStops.length + top.score]);
    const where = `score ${formatScore(scoreStops[top.score])}, NMS IoU ${stopText(top.stop)}`;
    return `${prefixOf(first)}best ${LONG[metric]} ${value} at ${where} →`;
  }

  function updateDetails(): void {
    const { setting, score } = state;
    const [first] = detectors;
    const [pr, counts, matrix] = details;
    const size = scoreStops.length;
    const row = (values: ArrayLike<number>) =>
      Array.from({ length: size }, (_, s) => values[setting.stop * size + s]);
    const over = `${prefixOf(first)}${countOf(config.num_images)}`;
    pr.hidden = !hasCurves;
    counts.hidden = matrix.hidden = !hasTargets;
    pr.children[0].textContent = `precision over recall at NMS IoU ${stopText(setting.stop)}`;
    counts.children[0].textContent = `counts of each class, ${over}`;
    matrix.children[0].textContent = `confusion matrix, ${over}`;
    if (pr.open && !pr.hidden) {
      const lines = detectors.flatMap((detector) => {
        const [precision, recall] = (["precision", "recall"] as const).map((which) =>
          detector.valuesOf(which, label()),
        );
        if (!precision || !recall) return [];
        const line = { precision: row(precision), recall: row(recall) };
        const s = nearestScore(config, score);
        const at = detector.given
          ? { precision: line.precision[s], recall: line.recall[s] }
          : {
              precision: detector.measure("precision", label(), setting),
              recall: detector.measure("recall", label(), setting),
            };
        return [{ ...line, at }];
      });
      pr.children[1].replaceChildren(prChart(lines));
    }
    if (counts.open && !counts.hidden) {
      const { ap } = first;
      const apOf = ap && ((c: number) => ap.matchByClass[c * stops.length + setting.stop]);
      counts.children[1].replaceChildren(
        countsTable(first.countsAt(setting), names, zeroDivision, apOf, apName(config)),
      );
    }
    if (matrix.open && !matrix.hidden) {
      const cells = confusion(first.decide(setting), names.length);
      matrix.children[1].replaceChildren(
        matrixTable(
          confusionMatrix(cells, names),
          "rows: target, columns: what was found, in boxes",
        ),
      );
    }
  }

  shell.assemble(toolbar.element, h("div", { class: "panel" }, dials, map.element), details);
  // What tests read: for each picture the detections over it, by their places in what was given.
  Object.assign(root, {
    torchdialShown: () =>
      shell.cells().map((cell) => {
        const drawn = painter.drawnOver(cell);
        return drawn?.marks.map(({ as, index }) => ({
          as,
          index: as === "miss" || as === "aside" ? index : drawn.image.found.index[index],
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

export default renderer(show);
