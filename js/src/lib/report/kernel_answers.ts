// The answers of a kernel, from the data that src/torchdial/report/html_file.py wrote.

import { type Bytes, bytesOf } from "../core/bytes";
import type { WireDistribution } from "../live/run_wire";
import type { Coding } from "../preview/plane_coding";
import { formatNumber } from "./python_format";

/** The values of a picture, row by row. */
export interface WireValues {
  dtype: keyof typeof READERS;
  width: number;
  channels: number;
  data: Bytes;
}

/** A plane as it is sent to a page. */
interface WirePlane {
  data: Bytes;
  coding: Coding | null;
}

/** Data for the answers to a widget's requests. */
export interface SavedAnswers {
  /** By the keys of lib/preview/tile_store.ts, and "values/3" for the values of picture 3. */
  pictures: Record<string, Bytes | WirePlane | WireValues>;
  /** Frames of earlier steps of a training, by their step. */
  frames?: Record<string, unknown>;
  distributions: { head: WireDistribution; data: Bytes }[];
}

type WidgetRequest = { type: string; id: number } & Record<string, unknown>;

export interface Answer {
  message: Record<string, unknown>;
  buffers: Bytes[];
}

/** Answer a widget's message; null where none is needed. */
export function answer(
  request: WidgetRequest,
  saved: SavedAnswers,
  version: number,
): Answer | null {
  const { type, id } = request;
  const reply = (message: Record<string, unknown>, ...buffers: Bytes[]) => ({
    message: { id, ...message },
    buffers,
  });
  switch (type) {
    case "need": {
      const keys = (request.keys as string[]).filter((key) => key in saved.pictures);
      const tiles = keys.map((key) => withCoding(saved.pictures[key] as Bytes | WirePlane));
      const codings = tiles.map(({ coding }) => coding);
      return reply({ type: "tiles", version, keys, codings }, ...tiles.map(({ data }) => data));
    }
    case "frame":
      return reply({ type, step: request.step, frame: saved.frames?.[String(request.step)] });
    case "pixel": {
      const { image, x, y } = request as unknown as { image: number; x: number; y: number };
      const values = saved.pictures[`values/${image}`] as WireValues;
      return reply({ type, image, x, y, values: valuesAt(values, x, y) });
    }
    case "distribution": {
      const found = nearestSample(saved.distributions, request.step as number);
      return reply({ type, distribution: found?.head ?? null }, found?.data ?? new Uint8Array());
    }
    case "detail":
      return reply({ type: "error", message: "A report has only the points that are shown." });
    case "keyframe": // no message can be lost
      return reply({ type: "done" });
    case "settle": // no other page
      return null;
    default:
      throw new Error(`torchdial: unknown message ${JSON.stringify(request)}`);
  }
}

function withCoding(found: Bytes | WirePlane): WirePlane {
  return "coding" in found ? found : { data: found, coding: null };
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

/** The sample nearest to a step; of two equally near, the newer one. */
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
