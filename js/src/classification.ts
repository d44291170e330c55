// ClassificationPreview: the Python side is src/torchdial/widgets/preview/classification_dial.py.

import type { AnyModel } from "@anywidget/types";
import { Raster } from "./lib/canvas/raster";
import { formatCount } from "./lib/charts/axis_scale";
import { createClassificationDetails } from "./lib/classification/classification_details";
import {
  abstains,
  type ClassificationMetric,
  curveOf,
  metricsOf,
  nameOf,
  valueAt,
} from "./lib/classification/classification_metrics";
import {
  type ClassificationTraits,
  readClassification,
} from "./lib/classification/classification_wire";
import { type Outcome, outcomeOf, type Setting } from "./lib/classification/outcomes";
import { type Cell, samplesOf } from "./lib/classification/sample_choice";
import { createSampleList } from "./lib/classification/sample_list";
import {
  gainText,
  metricsText,
  sampleCountText,
  sampleText,
} from "./lib/classification/sample_text";
import { createScoreCharts } from "./lib/classification/score_charts";
import { css, FALSE_NEGATIVE, FALSE_POSITIVE } from "./lib/core/colors";
import { button, clearCanvas, h, select } from "./lib/core/dom";
import type { Guard } from "./lib/core/error_display";
import { bestStop, definedOf, range } from "./lib/core/metrics";
import { formatStop, nearestStop } from "./lib/core/stops";
import { toCsv } from "./lib/numbers/image_table";
import { decodedRenderer } from "./lib/preview/decoded_model";
import type { LegendEntry } from "./lib/preview/legend";
import { createShell, type Preview } from "./lib/preview/preview_shell";
import { createThresholdDial } from "./lib/preview/threshold_dial";
import { createToolbar, labelled } from "./lib/preview/toolbar";
import { createThresholdState } from "./lib/settings/threshold_state";
import { createTypedField } from "./lib/settings/typed_field";
import { type Demand, whereMet } from "./lib/settings/typed_setting";

const BORDER = 3; // CSS pixels around the picture of an error

function show(model: AnyModel<ClassificationTraits>, root: HTMLElement, guard: Guard): () => void {
  const state = createThresholdState(model, changed);
  const { config } = state;
  const { stops, class_names: names, task, views } = config;
  const raster = new Raster();
  const rounded = Float32Array.from(stops);
  let now = readClassification(config, model.get("_frame").sources[0]);
  let metric: ClassificationMetric = metricsOf(now.counts, state.shown)[0];
  let cell: Cell | null = null;
  let listed = { of: "", key: "" }; // what is listed, and the choice of samples, as JSON

  const at = (k: number) => formatStop(stops, k);
  const setting = (): Setting => ({
    thresholds: Float32Array.from(state.stops, (k) => rounded[k]),
    label: state.shown,
  });
  const metricAt = (of: ClassificationMetric, k?: number) =>
    valueAt(now.counts, of, state.shown, k === undefined ? state.stops : names.map(() => k));
  /** Values of which the highest is the best. */
  const upward = (of: ClassificationMetric, curve: Float64Array) =>
    of === "cost" ? curve.map((cost) => -cost) : curve;
  const best = () => bestStop(upward(metric, curveOf(now.counts, metric, state.shown)));

  const preview: Preview = {
    size: config,
    numImages: config.num_images,
    pageSize: config.page_size,
    keys: "Dial: arrows one stop, Page keys ten, Home, End.",
    bestTitle: "Go to the best threshold",
    unit: config.has_pictures ? "picture" : "sample",
    sources: config.sources,
    modelsPerImage: () => 1,
    bytesOf: () => config.height * config.width * config.channels,

    draw(context, { image }, layer, region, dest) {
      clearCanvas(context);
      if (layer === "overlay") return drawOutcome(context, image);
      const picture = shell.tiles.picture(image);
      if (!picture) return false;
      raster.drawPicture(context, picture, [config.width, config.channels], region, dest);
      return true;
    },

    describe: (shown) => (shown ? captionOf(shown.image) : ""),
    caption: ({ image }) => captionOf(image),
    numbers: ({ image }) => {
      const place = now.samples.placeOf(image);
      if (place < 0) return [];
      return names.map((name, c) => [
        names.length > 1 ? name : "p",
        now.samples.scores[c][place].toFixed(4),
      ]);
    },
    canRank: () => false,
    measure: () => Number.NaN,
    settingText: () => at(state.stop),

    goToBest() {
      const k = best();
      if (k >= 0) state.stop = k;
    },
    reset: () => state.reset(),
    undo: state.undo,
    chooseAll() {
      if (cell || state.get("view") !== "all") showView("all");
    },
    nextView: () => toolbar.nextView(),
    actions: (focus) => dial.actions(focus),

    readFrame() {
      now = readClassification(config, model.get("_frame").sources[0]);
      relist();
    },

    update() {
      const known = metricsOf(now.counts, state.shown);
      if (!known.includes(metric)) metric = known[0];
      showMetrics(known);
      toolbar.update();
      const { stop } = state;
      const table = now.tables[state.shown ?? now.tables.length - 1];
      charts.update(table, stop, chartWords());
      updateDial(stop);
      updateReadout(stop, known);
      details.update(now, state.shown, state.stops);
      if (!config.has_pictures) rows.update(shell.cells().map(({ image }) => rowOf(image)));
      shell.showLegend(config.has_pictures ? legend() : []);
      root.dataset.stop = String(stop);
    },
  };
  const shell = createShell(model, root, guard, state.kernel, preview);
  const relist = guard(list);

  /** The samples are chosen first, so that one frame shows both. */
  function changed(): void {
    relist();
    shell.changed();
  }

  // Samples

  function captionOf(image: number): string {
    const place = now.samples.placeOf(image);
    const number = formatCount(image + 1);
    return place < 0 ? number : `${number} · ${sampleText(config, now.samples, place, setting())}`;
  }

  function rowOf(image: number) {
    const place = now.samples.placeOf(image);
    const { fp, fn } = place < 0 ? none : outcomeOf(now.samples, place, setting());
    const text = now.samples.texts?.[place] ?? "";
    return { caption: captionOf(image), outcome: fp ? "fp" : fn ? "fn" : "", text };
  }

  function drawOutcome(context: CanvasRenderingContext2D, image: number): boolean {
    const place = now.samples.placeOf(image);
    if (place < 0) return true;
    const { fp, fn } = outcomeOf(now.samples, place, setting());
    if (!fp && !fn) return true;
    const { width, height } = context.canvas;
    const line = BORDER * devicePixelRatio;
    context.save();
    context.lineWidth = 2 * line; // of which half is outside
    context.strokeStyle = css(fp ? FALSE_POSITIVE : FALSE_NEGATIVE);
    if (fp) context.setLineDash([3 * line, 2 * line]);
    context.strokeRect(0, 0, width, height);
    context.restore();
    return true;
  }

  function legend(): LegendEntry[] {
    const [, wrong, missed] = views.map((view) => view.replace(/s$/, ""));
    return [
      { color: css(FALSE_POSITIVE), text: wrong, class: "outlined dashed" },
      { color: css(FALSE_NEGATIVE), text: missed, class: "outlined" },
    ];
  }

  function showView(view: string): void {
    cell = null;
    state.set({ view });
  }

  /** List the samples of the view, or of the chosen cell, at the setting. */
  function list(): void {
    const view = state.get("view");
    const wanted = { view, views, cell, at: at(state.stop), total: config.num_images };
    const choice = samplesOf(now.samples, setting(), wanted);
    const [of, key] = [JSON.stringify([view, cell]), JSON.stringify(choice)];
    if (key === listed.key) return; // the page stays
    shell.choose(choice, of === listed.of); // the dial leaves a picture that is shown alone
    listed = { of, key };
  }

  // The dial

  const metrics = select("curve", []);
  let metricsShown = "";
  metrics.addEventListener("input", () => {
    metric = metrics.value as ClassificationMetric;
    shell.changed();
  });
  function showMetrics(known: readonly ClassificationMetric[]): void {
    if (metricsShown !== known.join()) {
      metrics.replaceChildren(...known.map((value) => h("option", { value }, nameOf(value))));
      metricsShown = known.join();
    }
    metrics.value = metric;
  }

  const bests = button("best for each", "Give each label the threshold that is best for it", () =>
    state.set({
      label: null,
      class_thresholds: names.map((_, c) => {
        const k = bestStop(upward(metric, curveOf(now.counts, metric, c)));
        return k < 0 ? state.get("threshold") : stops[k];
      }),
    }),
  );
  bests.hidden = task !== "multilabel";

  const dial = createThresholdDial(state, at);
  const toolbar = createToolbar({
    views,
    view: () => (cell ? "" : state.get("view")),
    show: showView,
    classes: dial.classes,
    shown: () => state.shown,
    showClass(label) {
      cell = null;
      state.set({ label });
    },
    controls: [
      labelled("curve", metrics),
      bests,
      createTypedField<ClassificationMetric>({
        metrics: [...new Set([null, 0].flatMap((label) => metricsOf(now.counts, label)))],
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
    toCsv: () => csv(),
    hasCsv: true,
  });
  const charts = createScoreCharts(stops, {
    goTo: (k) => {
      state.stop = k;
    },
    commit: state.flush,
  });

  function updateDial(stop: number): void {
    const curve = curveOf(now.counts, metric, state.shown);
    const most = metric === "cost" ? Math.max(...definedOf(curve), 1e-12) : 1;
    const heights = curve.map((value) => value / most);
    const k = best();
    const table = now.tables[state.shown ?? now.tables.length - 1];
    dial.update({
      value: stop,
      curves: [heights],
      points: [heights[stop]],
      bests: [k < 0 ? null : { value: k, height: heights[k] }],
      y: { name: nameOf(metric), top: metric === "cost" ? most.toPrecision(3) : "1" },
      histogram: table.positives.map((count, level) => count + table.negatives[level]),
      valueText: `p > ${at(stop)}`,
    });
  }

  function updateReadout(stop: number, known: readonly ClassificationMetric[]): void {
    const { shown } = state;
    const how = task === "multilabel" && shown === null ? `${config.average} over ` : "";
    const over = `${how}${sampleCountText(config.num_images)}`;
    const line = h("span", {}, metricsText(known, metricAt), h("small", {}, ` ${over}`));
    const k = best();
    const gain = k < 0 ? "" : gainText(metric, metricAt(metric, k), metricAt(metric));
    const text = k < 0 ? "" : `best ${nameOf(metric)} at ${at(k)}`;
    const rule = abstains(task, shown) ? "answers where p" : "p";
    shell.showReadout(`${rule} > ${at(stop)}${dial.others()}`, [line], text, gain);
  }

  /** What the two histograms are of. */
  function chartWords() {
    const { shown } = state;
    if (abstains(task, shown)) {
      return { positives: "right answers", negatives: "wrong ones", of: "of right answers, " };
    }
    if (shown === null) return { positives: "labels", negatives: "the rest", of: "pooled, " };
    return { positives: names[shown], negatives: "the rest", of: "" };
  }

  /** Go to the best stop, by the first metric, of those that meet the demands. */
  function demand(demands: Demand<ClassificationMetric>[]): void {
    const known = metricsOf(now.counts, state.shown);
    const missing = demands.find((one) => !known.includes(one.metric));
    if (missing) {
      const names = known.map(nameOf).join(", ");
      throw new Error(`No ${nameOf(missing.metric)} of what is shown. Ask for one of ${names}.`);
    }
    const curve = (of: ClassificationMetric) => curveOf(now.counts, of, state.shown);
    state.moveTogether(bestStop(whereMet(upward(metric, curve(metric)), demands, curve)));
  }

  /** The listed samples at the setting. */
  function csv(): string {
    const is = setting();
    const { samples } = now;
    const columns = [
      "sample",
      ...samples.scores.map((_, r) => names[r] ?? "highest"),
      "tp",
      "fp",
      "fn",
    ];
    const lines = range(samples.index.length).map((place) => {
      const { tp, fp, fn } = outcomeOf(samples, place, is);
      const scores = samples.scores.map((row) => row[place]);
      return [samples.index[place], ...scores, Number(tp), Number(fp), Number(fn)];
    });
    return toCsv(
      columns.map((name) => JSON.stringify(name)),
      lines,
    );
  }

  const details = createClassificationDetails(config, {
    chooseCell(truth, predicted, text) {
      cell = { truth, predicted, text };
      changed();
    },
    showClass: (label) => state.set({ label }),
    changed: shell.changed,
  });
  const rows = createSampleList();
  const panels = h("div", "score-panels", details.matrix, charts.element);
  shell.assemble(toolbar.element, h("div", {}, dial.element, panels), details.elements);
  root.classList.toggle("torchdial-texts", !config.has_pictures);
  if (!config.has_pictures) shell.grid.element.after(rows.element);
  return () => {
    shell.dispose();
    state.dispose();
  };
}

const none: Outcome = { tp: false, fp: false, fn: false };

export default decodedRenderer(show);
