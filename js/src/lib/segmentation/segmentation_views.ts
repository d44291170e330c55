// Each view draws planes over a picture through look-up tables.

import {
  errorSize,
  type KindLayer,
  type KindTable,
  kindTable,
  paintErrors,
} from "../canvas/error_painting";
import {
  agreementOf,
  type ColorTable,
  decide,
  differenceTable,
  disagreementTable,
  heatTable,
  keepOutline,
  makeColorTable,
  maskTable,
  overlayTable,
  type Plane,
  paint,
  paintOver,
  type Region,
  TRUTH,
  truthOf,
} from "../canvas/level_painting";
import { Raster } from "../canvas/raster";
import { RegionPainting, shrunk } from "../canvas/region_painting";
import * as colors from "../core/colors";
import { category, css, pack, type Rgb } from "../core/colors";
import { range } from "../core/metrics";
import { type LegendEntry, scaleEntry } from "../preview/legend";
import type { GridCell } from "../preview/preview_shell";
import {
  argmaxKey,
  levelKey,
  maskTargetKey,
  maximumKey,
  type TileStore,
  targetKey,
  topKey,
} from "../preview/tile_store";
import { createDerive, type Derive, highestOf } from "./derived_planes";
import type { SegmentationConfig, SegmentationView } from "./segmentation_wire";
import { formatOf, symbolOf } from "./stop_text";
import { topPlanes } from "./top_classes";

const SEGMENTATION_VIEWS: readonly SegmentationView[] = [
  "mask",
  "overlay",
  "heat",
  "outline",
  "errors",
  "difference",
];
const SEE_THROUGH: readonly SegmentationView[] = ["overlay", "heat", "errors", "difference"];

/** The available views: some need targets, some two models. */
export function viewsOf({ has_targets, sources }: SegmentationConfig): SegmentationView[] {
  const lacks = { errors: !has_targets, difference: sources.length < 2 };
  return SEGMENTATION_VIEWS.filter((view) => !lacks[view as keyof typeof lacks]);
}

export function isSeeThrough(view: SegmentationView): boolean {
  return SEE_THROUGH.includes(view);
}

/** Class 0 of a multiclass task, which is not painted over the picture together with others. */
const BACKGROUND = 0;
const MOST_SEPARATE = 8; // classes drawn one by one; each takes as long as a picture

export interface Pass {
  plane: Plane;
  table: ColorTable;
  outline?: boolean;
  /** Further passes in opaque colours, painted over it before it is drawn. */
  over?: Pass[];
}

/** A view that is painted by passes; errors are painted by what each pixel is. */
type PaintedView = Exclude<SegmentationView, "errors">;

/** The view of one class, or of all (null), class c at stop `at[c]`. */
export interface ViewSetting {
  view: SegmentationView;
  shown: number | null;
  at: readonly number[];
  /** Index of the minimum size. */
  size: number;
}

/** Draws the views of one config; tables are made once for each setting. */
export class SegmentationPainter {
  readonly #config: SegmentationConfig;
  readonly #tiles: TileStore;
  readonly #derive: Derive;
  #setting: ViewSetting = { view: "mask", shown: null, at: [], size: 0 };
  #tables = new Map<string, ColorTable>();
  #kinds = new Map<number, KindTable>();
  readonly #raster = new Raster();
  /** Of each canvas, for each pass. */
  #paintings = new WeakMap<CanvasRenderingContext2D, RegionPainting[]>();

  constructor(config: SegmentationConfig, tiles: TileStore) {
    this.#config = config;
    this.#tiles = tiles;
    this.#derive = createDerive(tiles);
  }

  set(setting: ViewSetting): void {
    const { view, shown } = this.#setting;
    // Each knows where the pixels of its map are, which is much for what is not shown any more.
    if (view !== setting.view || shown !== setting.shown) this.#paintings = new WeakMap();
    this.#setting = setting;
    this.#tables.clear();
    this.#kinds.clear();
  }

  /** Draw image `image` of model `source`; false while planes are missing. */
  draw(
    context: CanvasRenderingContext2D,
    { image, source }: GridCell,
    region: Region,
    dest: Region,
  ): boolean {
    if (this.#setting.view === "errors") {
      const layers = this.errors(image, source);
      const size = errorSize(region, dest, devicePixelRatio);
      const unit = (devicePixelRatio * size.width) / dest.width;
      if (layers)
        this.#raster.draw(context, size, dest, (out) =>
          paintErrors(out, layers, region, this.#config, size, unit),
        );
      return layers !== null;
    }
    const passes = this.passes(image, source);
    const paintings = getOr(this.#paintings, context, () => []);
    passes?.forEach(({ plane, table, outline, over }, i) => {
      if (!outline && !over) {
        const size = shrunk(region, dest);
        paintings[i] ??= new RegionPainting();
        const pixels = paintings[i].paint(plane, region, size, table);
        this.#raster.drawPixels(context, pixels, size, dest, i === 0);
        return;
      }
      this.#raster.draw(context, region, dest, (out) => {
        paint(out, plane, region, table);
        for (const next of over ?? []) paintOver(out, next.plane, region, next.table);
        if (outline) keepOutline(out, region, this.#config);
      });
    });
    return passes !== null;
  }

  /** The passes over image `image` of model `source`; null while planes are missing. */
  passes(image: number, source: number): Pass[] | null {
    const { view, shown } = this.#setting;
    if (view === "errors") return null; // see `errors`
    if (this.#config.task === "multiclass" && shown === null)
      return this.#argmaxPasses(view, image, source);
    const classes = shown === null ? range(this.#config.class_names.length) : [shown];
    const { at } = this.#setting;
    const isUnion = classes.length > MOST_SEPARATE && classes.every((c) => at[c] === at[0]);
    if (classes.length > 1 && (view === "heat" || (view === "mask" && isUnion)))
      return this.#highestPass(view, image, source, classes);
    if (view === "overlay" && isUnion && this.#config.has_tops)
      return this.#topPasses(image, source);
    const each = classes.map((c, i) => this.#classPasses(view, image, source, c, i > 0));
    if (each.some((passes) => passes === null)) return null;
    const passes = (each as Pass[][]).flat();
    const covers = view === "mask" || view === "overlay";
    if (covers && passes.length > MOST_SEPARATE) return [{ ...passes[0], over: passes.slice(1) }];
    return passes;
  }

  /** What each pixel of an image is, of each class; null while planes are missing. */
  errors(image: number, source: number): KindLayer[] | null {
    const { at, shown, size } = this.#setting;
    const { width, task, class_names: names } = this.#config;
    if (task === "multiclass" && shown === null) {
      const levels = this.#tiles.get(maximumKey(source, image, size));
      const rows = this.#derive(
        "agreement",
        [targetKey(image), argmaxKey(source, image)],
        agreementOf,
      );
      const table = getOr(this.#kinds, -1, () => kindTable(at, true));
      return levels && rows && [{ plane: { width, levels, rows }, table }];
    }
    const layers = (shown === null ? range(names.length) : [shown]).map((c) => {
      const levels = this.#tiles.get(levelKey(source, image, c, size));
      const rows = this.#truth(image, c);
      const table = getOr(this.#kinds, c, () => kindTable([at[c]]));
      return levels && rows && { plane: { width, levels, rows }, table };
    });
    return layers.every((layer) => layer !== null) ? layers : null;
  }

  /** A view of the highest probability of all classes. */
  #highestPass(
    view: "heat" | "mask",
    image: number,
    source: number,
    classes: number[],
  ): Pass[] | null {
    const { width, stops, has_tops } = this.#config;
    const { size } = this.#setting;
    const keys = has_tops
      ? [topKey(source, image, size)]
      : classes.map((c) => levelKey(source, image, c, size));
    const levels = this.#derive("highest", keys, (...planes) =>
      highestOf(has_tops ? topPlanes(planes[0], this.#config).map(({ levels }) => levels) : planes),
    );
    const stop = [Math.min(...this.#setting.at)];
    const table = this.#table(view, () =>
      view === "heat" ? heatTable(stop, stops.length) : maskTable(stop),
    );
    return levels && [{ plane: { width, levels, rows: null }, table }];
  }

  /** All classes at one stop, the last ones on top. */
  #topPasses(image: number, source: number): Pass[] | null {
    const tops = this.#tiles.get(topKey(source, image, this.#setting.size));
    if (!tops) return null;
    const first = categoryOf(this.#config, 0);
    const table = this.#table("tops", () => overlayTable(this.#setting.at, first));
    const planes = topPlanes(tops, this.#config).reverse();
    const [lowest, ...over] = planes.map((plane) => ({ plane, table }));
    return [{ ...lowest, over }];
  }

  /** One class against the rest. */
  #classPasses(
    view: PaintedView,
    image: number,
    source: number,
    c: number,
    over: boolean,
  ): Pass[] | null {
    const { at, size } = this.#setting;
    const stop = [at[c]];
    const levels = this.#tiles.get(levelKey(source, image, c, size));
    if (!levels) return null;
    const pass = (name: string, make: () => ColorTable, rows: Plane["rows"] = null): Pass => ({
      plane: { width: this.#config.width, levels, rows },
      table: this.#table(`${name}/${c}`, make),
    });
    switch (view) {
      case "mask":
        return [pass("mask", () => (over ? transparentMask(at[c]) : maskTable(stop)))];
      case "overlay":
        return [pass("overlay", () => overlayTable(stop, categoryOf(this.#config, c)))];
      case "heat":
        return [pass("heat", () => heatTable(stop, this.#config.stops.length))];
      case "outline": {
        const outline = {
          ...pass("overlay", () => overlayTable(stop, categoryOf(this.#config, c))),
          outline: true,
        };
        return [...this.#targetOutline(image, c), outline];
      }
      case "difference": {
        const other = this.#tiles.get(levelKey(1, image, c));
        return other && [pass("difference", () => differenceTable(at[c]), other)];
      }
    }
  }

  /** All classes of a multiclass task: the argmax unless its probability is ≤ t. */
  #argmaxPasses(view: PaintedView, image: number, source: number): Pass[] | null {
    const { at, size } = this.#setting;
    const levels = this.#tiles.get(maximumKey(source, image, size));
    const argmax = this.#tiles.get(argmaxKey(source, image));
    if (!levels || !argmax) return null;
    const { width, stops } = this.#config;
    const pass = (make: () => ColorTable, rows: Plane["rows"] = argmax): Pass => ({
      plane: { width, levels, rows },
      table: this.#table(view, make),
    });
    switch (view) {
      case "mask":
        return [pass(() => maskTable(at))];
      case "overlay":
        return [pass(() => overlayTable(at, 0, BACKGROUND))];
      case "heat":
        return [pass(() => heatTable(at, stops.length))];
      case "outline":
        return [{ ...pass(() => overlayTable(at, 0, BACKGROUND)), outline: true }];
      case "difference": {
        const otherLevels = this.#tiles.get(maximumKey(1, image));
        const otherArgmax = this.#tiles.get(argmaxKey(1, image));
        if (!otherLevels || !otherArgmax) return null;
        const rows = decide(otherLevels, otherArgmax, at);
        const plane = { width, levels: decide(levels, argmax, at), rows };
        return [{ plane, table: this.#table(view, () => disagreementTable(at.length)) }];
      }
    }
  }

  #targetOutline(image: number, c: number): Pass[] {
    const truth = this.#config.has_targets ? this.#truth(image, c) : null;
    if (!truth) return [];
    const table = this.#table("target", () =>
      makeColorTable(1, (t) =>
        t === TRUTH.yes ? pack(colors.FALSE_NEGATIVE) : colors.TRANSPARENT,
      ),
    );
    return [
      { plane: { width: this.#config.width, levels: truth, rows: null }, table, outline: true },
    ];
  }

  #truth(image: number, c: number): Uint8Array | null {
    const { task } = this.#config;
    const key = task === "multilabel" ? maskTargetKey(image, c) : targetKey(image);
    const label = task === "multiclass" ? c : 1;
    return this.#derive(`truth of ${label}`, [key], (target) => truthOf(target, label));
  }

  #table(key: string, make: () => ColorTable): ColorTable {
    return getOr(this.#tables, key, make);
  }
}

function getOr<K, V>(
  map: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  make: () => V,
): V {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

function categoryOf(config: SegmentationConfig, c: number): number {
  return config.task === "multiclass" ? c : c + 1;
}

function transparentMask(at: number): ColorTable {
  return makeColorTable(1, (level) => (level > at ? colors.WHITE : colors.TRANSPARENT));
}

/** The entries of a view's legend: colours and their meaning. */
export function segmentationLegend(
  config: SegmentationConfig,
  view: SegmentationView,
  shown: number | null,
): LegendEntry[] {
  const entry = (color: Rgb, text: string) => ({ color: css(color), text });
  const classes = shown === null ? config.class_names.map((_, c) => c) : [shown];
  const single = config.task !== "multiclass" || shown !== null;
  const named = classes.map((c) => {
    const name = config.class_names[c];
    return !single && c === BACKGROUND
      ? { color: "transparent", text: `not painted: ${name}`, counts: c }
      : { ...entry(category(categoryOf(config, c)), name), counts: c };
  });
  switch (view) {
    case "mask":
      return [];
    case "heat": {
      const [low, high] = [0, config.stops.length - 1].map((k) =>
        formatOf(config)(config.stops, k),
      );
      return [
        scaleEntry(colors.VIRIDIS_SCALE, `${symbolOf(config)}  ${low}`, `${high}, pale where off`),
      ];
    }
    case "overlay":
      return named;
    case "outline":
      return config.has_targets && single
        ? [...named, entry(colors.FALSE_NEGATIVE, "target")]
        : named;
    case "errors":
      return [
        { ...entry(colors.TRUE_POSITIVE, "found: outline (TP)"), class: "outlined", counts: "tp" },
        {
          ...entry(
            colors.FALSE_POSITIVE,
            `${single ? "false alarm" : "wrong class"}: hatched (FP)`,
          ),
          class: "hatched",
          counts: "fp",
        },
        { ...entry(colors.FALSE_NEGATIVE, "missed: dots (FN)"), class: "dots", counts: "fn" },
      ];
    case "difference":
      return [
        entry(colors.BOTH, "both"),
        entry(colors.ONLY_FIRST, `only ${config.sources[0]}`),
        entry(colors.ONLY_SECOND, `only ${config.sources[1]}`),
        ...(single ? [] : [entry(colors.OTHER_CLASS, "another class")]),
      ];
  }
}
