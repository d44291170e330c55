// tests/golden/steps.json, written by tests/golden/make_steps.py, which describes it.

import { readFileSync } from "node:fs";

interface Training {
  name: string;
  refreshes: { step: number; kept: number[] }[];
  looks: [chosen: number | null, step: number, shown: number][];
}

interface PixelStep {
  histogram: string;
  counts: Record<"tp" | "fp" | "positives" | "negatives", string> | null;
  values: number[];
  best: number | null;
  best_at: number[];
}

interface BoxStep extends Record<"tp" | "fp" | "f1", string> {
  values: number[][];
  best: number;
  best_at: [stop: number, score: number][];
}

interface GoldenSteps {
  stops: number[];
  trainings: Training[];
  pixels: { name: string; steps: PixelStep[] }[];
  boxes: { positives: number[]; steps: BoxStep[] };
}

const path = new URL("../../../tests/golden/steps.json", import.meta.url);

export const STEPS: GoldenSteps = JSON.parse(readFileSync(path, "utf-8"));

export const bytesIn = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
