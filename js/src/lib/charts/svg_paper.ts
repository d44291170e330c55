// As much of a canvas's context as a picture is painted with, writing SVG.

import { contextOf, h, svg } from "../core/dom";
import type { Paper } from "./chart_picture";

const BASELINES: Record<string, string> = { middle: "central", top: "hanging" };
const ANCHORS: Record<string, string> = { right: "end", center: "middle" };

export class SvgPaper implements Paper {
  readonly element: SVGSVGElement;
  fillStyle = "#000";
  strokeStyle = "#000";
  lineWidth = 1;
  lineJoin: CanvasLineJoin = "miter";
  globalAlpha = 1;
  font = "11px sans-serif";
  textAlign: CanvasTextAlign = "left";
  textBaseline: CanvasTextBaseline = "alphabetic";
  #dash: number[] = [];
  #path = "";
  #group: SVGElement;
  #clips = 0;
  readonly #saved: (() => void)[] = [];
  readonly #measure = contextOf(h("canvas"));

  constructor(width: number, height: number) {
    this.element = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
    this.#group = this.element;
  }

  save(): void {
    const { fillStyle, strokeStyle, lineWidth, lineJoin, globalAlpha, font } = this;
    const { textAlign, textBaseline } = this;
    const [dash, group] = [this.#dash, this.#group];
    this.#saved.push(() => {
      Object.assign(this, { fillStyle, strokeStyle, lineWidth, lineJoin, globalAlpha, font });
      Object.assign(this, { textAlign, textBaseline });
      [this.#dash, this.#group] = [dash, group];
    });
  }

  restore(): void {
    this.#saved.pop()?.();
  }

  beginPath(): void {
    this.#path = "";
  }

  moveTo(x: number, y: number): void {
    this.#path += `M${short(x)} ${short(y)}`;
  }

  lineTo(x: number, y: number): void {
    this.#path += `L${short(x)} ${short(y)}`;
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.#path += `M${x} ${y}h${width}v${height}h${-width}z`;
  }

  /** A full circle. */
  arc(x: number, y: number, radius: number): void {
    const half = `a${radius} ${radius} 0 1 0 `;
    this.#path += `M${short(x - radius)} ${short(y)}${half}${2 * radius} 0${half}${-2 * radius} 0`;
  }

  clip(): void {
    const id = `clip-${++this.#clips}`;
    const inside = svg("g", { "clip-path": `url(#${id})` });
    this.#group.append(svg("clipPath", { id }, svg("path", { d: this.#path })), inside);
    this.#group = inside;
  }

  stroke(): void {
    this.#add("path", { d: this.#path, fill: "none", ...this.#line() });
  }

  fill(): void {
    this.#add("path", { d: this.#path, fill: this.fillStyle });
  }

  fillRect(x: number, y: number, width: number, height: number): void {
    this.#add("rect", { x, y, width, height, fill: this.fillStyle });
  }

  fillText(text: string, x: number, y: number): void {
    this.#write(text, x, y, { fill: this.fillStyle });
  }

  strokeText(text: string, x: number, y: number): void {
    this.#write(text, x, y, { fill: "none", ...this.#line() });
  }

  measureText(text: string): TextMetrics {
    this.#measure.font = this.font;
    return this.#measure.measureText(text);
  }

  setLineDash(dash: number[]): void {
    this.#dash = dash;
  }

  #line() {
    return {
      stroke: this.strokeStyle,
      "stroke-width": this.lineWidth,
      "stroke-linejoin": this.lineJoin,
      ...(this.#dash.length && { "stroke-dasharray": this.#dash.join(" ") }),
    };
  }

  #write(text: string, x: number, y: number, look: Record<string, string | number>): void {
    const [size, family] = this.font.split(/(?<=px) /);
    const place = {
      x: short(x),
      y: short(y),
      "font-size": size,
      "font-family": family,
      "text-anchor": ANCHORS[this.textAlign] ?? "start",
      "dominant-baseline": BASELINES[this.textBaseline] ?? "auto",
    };
    this.#add("text", { ...place, ...look }, text);
  }

  #add(tag: "path" | "rect" | "text", look: Record<string, string | number>, text = ""): void {
    const opacity = this.globalAlpha < 1 && { opacity: this.globalAlpha };
    this.#group.append(svg(tag, { ...look, ...opacity }, text));
  }
}

function short(value: number): number {
  return Math.round(100 * value) / 100;
}
