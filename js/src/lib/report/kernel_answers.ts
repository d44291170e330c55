// What a kernel would answer, from what src/torchdial/report/html_file.py has put into the file.

import { type Bytes, bytesOf } from "../core/bytes";
import type { WireDistribution } from "../live/run_wire";
import { formatNumber } from "./python_format";

/** The values behind a picture, row by row. */
export interface WireValues {
  dtype: keyof typeof READERS;
  width: number;
  channels: number;
  data: Bytes;
}

/** What a widget may be asked for. */
export interface SavedAnswers {
  /** By the keys of lib/preview/tile_store.ts, and "values/3" for what is behind picture 3. */
  pictures: Record<string, Bytes | WireValues>;
  distributions: { head: WireDistribution; data: Bytes }[];
}

type Question = { type: string; id: number } & Record<string, unknown>;

export interface Answer {
  message: Record<string, unknown>;
  buffers: Bytes[];
}

/** Answer a widget's message; null where there is nothing to say. */
export function answer(question: Question, kept: SavedAnswers, version: number): Answer | null {
  const { type, id } = question;
  const said = (message: Record<string, unknown>, ...buffers: Bytes[]) => ({
    message: { id, ...message },
    buffers,
  });
  switch (type) {
    case "need": {
      const keys = (question.keys as string[]).filter((key) => key in kept.pictures);
      const tiles = keys.map((key) => kept.pictures[key] as Bytes);
      return said({ type: "tiles", version, keys }, ...tiles);
    }
    case "pixel": {
      const { image, x, y } = question as unknown as { image: number; x: number; y: number };
      const values = kept.pictures[`values/${image}`] as WireValues;
      return said({ type, image, x, y, values: valuesAt(values, x, y) });
    }
    case "distribution": {
      const found = nearestSample(kept.distributions, question.step as number);
      return said({ type, distribution: found?.head ?? null }, found?.data ?? new Uint8Array());
    }
    case "detail":
      return said({ type: "error", message: "A file holds the points that are shown." });
    case "keyframe": // a file is never behind
      return said({ type: "done" });
    case "settle": // no other page
      return null;
    default:
      throw new Error(`torchdial: unknown message ${JSON.stringify(question)}`);
  }
}

const READERS = {
  f4: (view: DataView, place: number) => formatNumber(view.getFloat32(4 * place, true)),
  f8: (view: DataView, place: number) => formatNumber(view.getFloat64(8 * place, true)),
  u1: (view: DataView, place: number) => String(view.getUint8(place)),
  i4: (view: DataView, place: number) => String(view.getInt32(4 * place, true)),
  b1: (view: DataView, place: number) => (view.getUint8(place) ? "True" : "False"),
};

function valuesAt({ dtype, width, channels, data }: WireValues, x: number, y: number): string {
  const { buffer, byteOffset, byteLength } = bytesOf(data);
  const view = new DataView(buffer, byteOffset, byteLength);
  const first = (y * width + x) * channels;
  return Array.from({ length: channels }, (_, c) => READERS[dtype](view, first + c)).join(", ");
}

/** The sample nearest to a step; of those as near as each other the newest. */
function nearestSample<Sample extends { head: { step: number } }>(
  samples: readonly Sample[],
  step: number,
): Sample | undefined {
  const far = (sample: Sample) => Math.abs(sample.head.step - step);
  return samples.reduce<Sample | undefined>(
    (best, sample) => (best && far(best) < far(sample) ? best : sample),
    undefined,
  );
}
