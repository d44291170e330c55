// Draws pictures with their boxes, and highlights the one under the pointer with its counterpart.

import type { Region } from "../canvas/level_painting";
import type { Layer } from "../canvas/picture_grid";
import { Raster } from "../canvas/raster";
import { coveredPart } from "../canvas/viewport";
import { clearCanvas } from "../core/dom";
import { shorten } from "../core/user_names";
import type { GridCell } from "../preview/preview_shell";
import type { TileStore } from "../preview/tile_store";
import type { BoxChoice } from "./box_choices";
import {
  type BoxMark,
  cornersOf,
  isTarget,
  LINES,
  lineOf,
  markAt,
  markColor,
  marksOf,
  withChosen,
} from "./box_marks";
import {
  type CanvasTransform,
  drawLabels,
  drawLink,
  fillBox,
  lettersOf,
  type Pattern,
  rimOf,
  type Stroke,
  strokeBoxes,
  transformOf,
} from "./box_strokes";
import { type BoxTie, markText, tieOf } from "./box_text";
import type { DetectionState } from "./detection_state";
import { tint } from "./instance_masks";
import type { Detector } from "./model_boxes";
import type { DecidedImage } from "./rules/detection_confusion";

const LINE = 1.5; // CSS pixels
const BOLD = 2;
const THICK = 3.5;
const GHOST_DASH = [7, 4];
const FADED_ALPHA = 0.3; // of all other boxes, while a tie between two is shown
const SLACK = 3; // CSS pixels that the pointer may be outside of a box
const MOST_LABELS = 60; // there is no room for more on a picture

const STROKES: Record<BoxMark["as"], Omit<Stroke, "color">> = {
  box: { width: LINE },
  ghost: { width: 1, alpha: 0.6 },
  hit: { width: 1 },
  falseAlarm: { width: BOLD, dash: [6, 4] },
  ignored: { width: BOLD },
  miss: { width: BOLD, dash: [2, 3] },
  aside: { width: LINE, dash: [2, 3] },
  target: { width: BOLD, dash: [2, 3] },
};

/** Errors are on a pale picture, and ghosts are faint. */
const RIMMED: readonly BoxMark["as"][] = ["box", "target"];
const FILLS: Partial<Record<BoxMark["as"], Pattern>> = { falseAlarm: "hatched", miss: "dots" };

/** Where boxes have their names: above them on tiles with room for that, or only under the pointer. */
export const LABELS = ["above", "on hover", "off"] as const;
export type Labels = (typeof LABELS)[number];
const ROOMY_TILE = 220; // CSS pixels; on smaller ones names would cover the pictures

/** The boxes drawn over the picture of a cell. */
interface Drawn {
  image: DecidedImage;
  marks: BoxMark[];
  scale: number;
}

export function createBoxPainter(
  state: DetectionState,
  tiles: TileStore,
  detectorOf: (source: number) => Detector,
  choice: () => BoxChoice | null,
  redraw: () => void,
) {
  const { config } = state;
  const { channels, sizes, class_names: names } = config;
  const raster = new Raster();
  const drawn = new Map<string, Drawn>();
  let shown = new WeakMap<CanvasRenderingContext2D, string>(); // what canvases show
  let hovered: { cell: string; mark: BoxMark } | null = null;
  let labels: Labels = "above";

  const keyOf = ({ image, source }: GridCell) => `${image}/${source}`;

  function drawPicture(
    context: CanvasRenderingContext2D,
    image: number,
    region: Region,
    dest: Region,
  ): boolean {
    const picture = tiles.picture(image);
    clearCanvas(context);
    if (!picture) return false;
    const part = coveredPart(region, dest, sizes[image]);
    if (part.region.width > 0 && part.region.height > 0) {
      const layout = [sizes[image][1], channels] as const;
      const isPale = state.get("view") === "errors";
      raster.drawPicture(context, picture, layout, part.region, part.dest, isPale);
    }
    return true;
  }

  function drawBoxes(
    context: CanvasRenderingContext2D,
    cell: GridCell,
    region: Region,
    dest: Region,
  ): boolean {
    const detector = detectorOf(cell.source);
    const { setting } = state;
    const image = detector.decide()[cell.image];
    const seen = marksOf(image, state.get("view"), setting, state.label);
    const chosen = choice();
    const marks = chosen ? withChosen(seen, image.shown, chosen.boxesIn(image)) : seen;
    const transform = transformOf(context, region, dest);
    const pointed = hovered?.cell === keyOf(cell) ? hovered.mark : null;
    const tie = pointed && tieOf(config, image, pointed, setting);
    const { width, height } = context.canvas;
    const look = JSON.stringify([region, dest, width, height, labels, marks, pointed, tie]);
    drawn.set(keyOf(cell), { image, marks, scale: transform.scale / transform.unit });
    if (shown.get(context) === look) return true;
    clearCanvas(context);
    const complete = !detector.hasMasks || drawMasks(context, cell, image, marks, region, dest);
    shown.set(context, complete ? look : "");
    context.save();
    const boxes = marks.map((mark) => ({
      corners: cornersOf(image, mark),
      ...lookOf(image, mark, tie !== null || mark.faded),
    }));
    for (const { corners, stroke, fill } of boxes) {
      if (fill) fillBox(context, transform, corners, stroke.color, fill);
    }
    strokeBoxes(context, transform, boxes);
    const wide = transform.width / transform.unit;
    const isNamed = ({ as, index, faded }: BoxMark) => {
      const isPointed = as === pointed?.as && index === pointed.index;
      if (labels === "off" || as === "target" || faded) return false;
      if (labels === "on hover" || wide < ROOMY_TILE) return isPointed;
      return isPointed || (as !== "ghost" && as !== "hit");
    };
    const longest = lettersOf(transform);
    const named = marks.filter(isNamed).slice(-MOST_LABELS).reverse();
    drawLabels(
      context,
      transform,
      named.map((mark) => ({
        corners: cornersOf(image, mark),
        color: markColor(image, mark),
        text: textOf(image, mark, longest),
      })),
    );
    if (pointed) drawPointed(context, transform, image, pointed, tie);
    context.restore();
    return complete;
  }

  function drawMasks(
    context: CanvasRenderingContext2D,
    { image: index, source }: GridCell,
    image: DecidedImage,
    marks: readonly BoxMark[],
    region: Region,
    dest: Region,
  ): boolean {
    const bits = tiles.get(`mask/${source}/${index}`);
    if (!bits) return false;
    const detections = marks
      .filter((mark) => !isTarget(mark) && mark.as !== "ghost" && !mark.faded)
      .map((mark) => ({ index: mark.index, color: markColor(image, mark) }));
    raster.draw(context, region, dest, (out) =>
      tint(out, region, image, sizes[index], bits, detections),
    );
    return true;
  }

  /** Draw the box under the pointer and its counterpart with thick lines. */
  function drawPointed(
    context: CanvasRenderingContext2D,
    transform: CanvasTransform,
    image: DecidedImage,
    mark: BoxMark,
    tie: BoxTie | null,
  ): void {
    const boxes = (tie ? [tie.to, mark] : [mark]).map((one) => {
      const dash = one.as === "ghost" ? GHOST_DASH : STROKES[one.as].dash;
      const stroke = { width: THICK, dash, color: markColor(image, one) };
      return { corners: cornersOf(image, one), stroke, rim: rimOf(stroke) };
    });
    strokeBoxes(context, transform, boxes);
    if (!tie) return;
    const [from, to] = [mark, tie.to].map((one) => cornersOf(image, one));
    drawLink(context, transform, from, to, `IoU ${tie.iou.toFixed(2)}`);
  }

  function textOf({ found, truth }: DecidedImage, mark: BoxMark, longest: number): string {
    if (mark.as === "aside") return truth.crowd[mark.index] ? "crowd" : "ignored";
    if (mark.as === "miss") return `missed ${shorten(names[truth.labels[mark.index]], longest)}`;
    return `${shorten(names[found.labels[mark.index]], longest)} ${found.scores[mark.index].toFixed(2)}`;
  }

  return {
    /** Set where boxes have their names. */
    setLabels(where: Labels): void {
      labels = where;
      redraw();
    },

    /** Discard what was drawn of an earlier frame. */
    forget(): void {
      drawn.clear();
      shown = new WeakMap();
    },

    /** The boxes last drawn over a picture. */
    drawnOver: (cell: GridCell): Drawn | undefined => drawn.get(keyOf(cell)),

    draw(
      context: CanvasRenderingContext2D,
      cell: GridCell,
      layer: Layer,
      region: Region,
      dest: Region,
    ): boolean {
      return layer === "picture"
        ? drawPicture(context, cell.image, region, dest)
        : drawBoxes(context, cell, region, dest);
    },

    describe(cell: GridCell | null, x: number, y: number): string {
      const over = cell && drawn.get(keyOf(cell));
      const mark = over
        ? markAt(over.image, over.marks, x + 0.5, y + 0.5, SLACK / over.scale)
        : null;
      const before = hovered;
      hovered = cell && mark && { cell: keyOf(cell), mark };
      const same =
        hovered?.cell === before?.cell &&
        hovered?.mark.as === before?.mark.as &&
        hovered?.mark.index === before?.mark.index;
      if (!same) redraw();
      if (!cell || !over) {
        return state.get("view") === "ghosts"
          ? "Point at a thin box to see which box suppressed it."
          : "";
      }
      if (mark) return markText(config, over.image, mark, state.setting);
      const [height, width] = sizes[cell.image];
      return x >= 0 && y >= 0 && x < width && y < height ? `(${x}, ${y})` : "";
    },
  };
}

/** How a box is drawn. */
interface Look {
  stroke: Stroke;
  rim?: Stroke;
  fill?: Pattern;
}

const looks: Record<string, Look> = {};

/** How a mark is drawn; the same object for all of one kind and class. */
function lookOf(image: DecidedImage, mark: BoxMark, isDim = false): Look {
  const { as, index } = mark;
  const label = image.found.labels[index];
  const key = `${as}/${label}/${isDim}`;
  if (looks[key]) return looks[key];
  const stroke: Stroke = { ...STROKES[as], color: markColor(image, mark) };
  if (as === "box") stroke.dash = LINES[lineOf(label)].dash; // for classes of one hue
  if (isDim) stroke.alpha = (stroke.alpha ?? 1) * FADED_ALPHA;
  const full = { stroke, rim: RIMMED.includes(as) ? rimOf(stroke) : undefined, fill: FILLS[as] };
  looks[key] = isDim ? { stroke } : full;
  return looks[key];
}
