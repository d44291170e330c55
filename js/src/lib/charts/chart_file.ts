// A chart as a file: with its axes and names, as PNG or SVG.

import { contextOf, h } from "../core/dom";
import { type Box, type Paper, type Picture, paintPicture } from "./chart_picture";
import type { Ink } from "./line_colors";
import { SvgPaper } from "./svg_paper";

const LINE_HEIGHT = 18;
const STROKE = 16; // pixels of the piece of a line before its name
const PNG_SCALE = 2;

/** All that a chart consists of, in CSS pixels. */
export interface Drawing {
  width: number;
  height: number;
  box: Box;
  picture: Picture;
  log: boolean;
  ink: Ink;
  /** Places in the box, and what stands at the axis there. */
  xTicks: Tick[];
  yTicks: Tick[];
}

interface Tick {
  at: number;
  text: string;
}

/** A name that stands above the chart. */
export interface DrawnName {
  text: string;
  color: string;
  dash: number[];
}

/** The chart as SVG text. */
export function svgOf(drawing: Drawing, names: readonly DrawnName[]): string {
  const [lines, head] = arrange(drawing, names);
  const paper = new SvgPaper(drawing.width, drawing.height + head);
  draw(paper, drawing, lines, head);
  return new XMLSerializer().serializeToString(paper.element);
}

/** The chart as a PNG of twice its size. */
export function pngOf(drawing: Drawing, names: readonly DrawnName[]): Promise<Blob | null> {
  const [lines, head] = arrange(drawing, names);
  const canvas = h("canvas", {
    width: drawing.width * PNG_SCALE,
    height: (drawing.height + head) * PNG_SCALE,
  });
  const context = contextOf(canvas);
  context.scale(PNG_SCALE, PNG_SCALE);
  draw(context, drawing, lines, head);
  return new Promise((done) => canvas.toBlob(done));
}

/** Lines of names that fit, each with its place, and how high they are. */
function arrange({ width, ink }: Drawing, names: readonly DrawnName[]) {
  const context = contextOf(h("canvas"));
  context.font = ink.font;
  let [x, y] = [8, 0];
  const placed = names.map((name) => {
    const long = STROKE + 6 + context.measureText(name.text).width;
    if (x > 8 && x + long > width) [x, y] = [8, y + LINE_HEIGHT];
    const place = { ...name, x, y };
    x += long + 14;
    return place;
  });
  return [placed, y + LINE_HEIGHT] as const;
}

function draw(
  paper: Paper,
  { width, height, box, picture, log, ink, xTicks, yTicks }: Drawing,
  names: ReturnType<typeof arrange>[0],
  head: number,
): void {
  const field = { ...box, top: box.top + head };
  paper.fillStyle = ink.ground;
  paper.fillRect(0, 0, width, height + head);
  paper.font = ink.font;
  paper.textBaseline = "middle";
  for (const { text, color, dash, x, y } of names) {
    const middle = y + LINE_HEIGHT / 2;
    paper.strokeStyle = color;
    paper.lineWidth = 2;
    paper.setLineDash(dash);
    paper.beginPath();
    paper.moveTo(x, middle);
    paper.lineTo(x + STROKE, middle);
    paper.stroke();
    paper.fillStyle = ink.text;
    paper.fillText(text, x + STROKE + 6, middle);
  }
  paper.setLineDash([]);
  const write = (text: string, align: CanvasTextAlign, x: number, y: number) => {
    paper.textAlign = align;
    paper.fillStyle = ink.faint;
    paper.fillText(text, x, y);
    paper.fillStyle = ink.line;
  };
  for (const { at, text } of xTicks) {
    const x = field.left + at;
    write(text, "center", x, field.top + field.height + 12);
    paper.fillRect(x, field.top, 0.5, field.height);
  }
  for (const { at, text } of yTicks) {
    const y = field.top + at;
    write(text, "right", field.left - 6, y);
    paper.fillRect(field.left, y, field.width, 0.5);
  }
  paintPicture(paper, field, picture, log, 1, ink);
}
