import { deflateSync } from "node:zlib";
import { expect, test, vi } from "vitest";
import type { Bytes } from "../../src/lib/core/bytes";
import { decodedModel } from "../../src/lib/preview/decoded_model";
import { decoded, planeOf } from "../../src/lib/preview/plane_coding";
import { FileModel } from "../../src/lib/report/file_host";

const coded = (key: string, value: number) => ({
  key,
  data: new Uint8Array(deflateSync(new Uint8Array([value, 0]))), // the second equals the first
  coding: { kind: "deflate", shape: [1, 2] },
});
const valuesOf = (data: Bytes) => [...(planeOf(data) as Uint8Array)];
const raw = (key: string, value: number) => ({ key, data: new Uint8Array([value, value]) });

// biome-ignore lint/suspicious/noExplicitAny: the traits differ between cases
function make(state: any) {
  const inner = new FileModel({ state, pictures: {}, distributions: [] });
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return { inner: inner as any, ...decodedModel<any>(inner as any) };
}

test("planes that need no decoding are there at once", () => {
  const { model, ready } = make({ _pictures: { tiles: [raw("image/0", 3)] }, _frame: {} });
  expect(ready).toBeNull();
  expect(valuesOf(model.get("_pictures").tiles[0].data)).toEqual([3, 3]);
});

test("a widget begins once its first planes are decoded, and another view of it at once", async () => {
  const frame = { version: 2, sources: [{ tiles: [coded("level/0/0/0", 7)], name: "a" }] };
  const { inner, model, ready } = make({
    _pictures: { tiles: [coded("image/0", 5)] },
    _frame: frame,
  });
  await ready;
  expect(valuesOf(model.get("_pictures").tiles[0].data)).toEqual([5, 5]);
  expect(valuesOf(model.get("_frame").sources[0].tiles[0].data)).toEqual([7, 7]);
  expect(model.get("_frame").version).toBe(2);
  expect(decodedModel(inner).ready).toBeNull();
});

test("what a notebook saves of the widget is as it was sent", async () => {
  const sent = { tiles: [coded("image/0", 5)] };
  const { inner, ready } = make({ _pictures: structuredClone(sent), _frame: {} });
  await ready;
  expect(inner.get("_pictures")).toEqual(sent);
});

test("decoded planes go with the step that is looked at", async () => {
  const about = (step: number) => ({ step, version: step, first: 0, kept: [0, 1] });
  const frame = (step: number) => ({
    version: step,
    sources: [{ tiles: [coded("level/0/0/0", step)] }],
    about: about(step),
  });
  const first = frame(0);
  const { inner, model, ready } = make({ _pictures: { tiles: [] }, _frame: first, step: null });
  await ready;
  inner.set("_frame", frame(1));
  await expect.poll(() => model.get("_frame").version).toBe(1);
  expect(decoded.has(first.sources[0].tiles[0].data)).toBe(false);
});

test("changes arrive in the order they were sent, each with its planes", async () => {
  const { inner, model } = make({ _pictures: { tiles: [] }, _frame: {} });
  const received: unknown[] = [];
  model.on("change:_pictures", () =>
    received.push(valuesOf(model.get("_pictures").tiles[0].data)[1]),
  );
  model.on("change:_frame", () => {
    const { version, sources } = model.get("_frame");
    received.push([version, valuesOf(sources[0].tiles[0].data)[1]]);
  });
  inner.set("_frame", { version: 1, sources: [{ tiles: [coded("level/0/0/0", 8)] }] });
  inner.set("_pictures", { tiles: [raw("image/0", 9)] });
  expect(received).toEqual([]);
  await expect.poll(() => received).toEqual([[1, 8], 9]);
});

/** A model that has all values of an update before it tells of the first, as Backbone's. */
class Together extends EventTarget {
  readonly #values = new Map<string, unknown>();
  get = (name: string) => this.#values.get(name);
  on = (event: string, callback: () => void) => this.addEventListener(event, callback);
  off = (event: string, callback: () => void) => this.removeEventListener(event, callback);
  set(values: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(values)) this.#values.set(name, value);
    for (const name of Object.keys(values)) this.dispatchEvent(new Event(`change:${name}`));
  }
  save_changes = () => {};
  send = () => {};
}

function together() {
  const inner = new Together();
  // biome-ignore lint/suspicious/noExplicitAny: no traits
  const { model } = decodedModel<any>(inner as any);
  const received: unknown[] = [];
  const versions = () => [model.get("_pictures")?.version, model.get("_frame").version];
  for (const name of ["_pictures", "_frame"]) {
    model.on(`change:${name}`, () => received.push([name, ...versions()]));
  }
  const values = (version: number) => ({
    _pictures: { version, tiles: [coded("image/0", version)] },
    _frame: { version, sources: [{ tiles: [coded("level/0/0/0", version)] }] },
  });
  return { inner, received, values };
}

test("the traits of one update arrive together", async () => {
  const { inner, received, values } = together();
  inner.set(values(1));
  await expect.poll(() => received).toHaveLength(2);
  inner.set(values(2));
  await expect.poll(() => received).toHaveLength(4);
  expect(received).toEqual([
    ["_pictures", 1, 1],
    ["_frame", 1, 1],
    ["_pictures", 2, 2],
    ["_frame", 2, 2],
  ]);
});

test("of frames that come faster than they are decoded, only the newest arrives", async () => {
  const { inner, received, values } = together();
  for (let version = 1; version < 9; version++) inner.set(values(version));
  await expect.poll(() => received).toHaveLength(4);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(received.slice(2)).toEqual([
    ["_pictures", 8, 8],
    ["_frame", 8, 8],
  ]);
});

test("a late plane is decoded before it is handed on", async () => {
  const pictures = { "level/0/0/0": coded("", 4), "image/0": new Uint8Array([1]) };
  const inner = new FileModel({ state: {}, pictures: pictures as never, distributions: [] });
  // biome-ignore lint/suspicious/noExplicitAny: no traits
  const { model, dispose } = decodedModel<any>(inner as any);
  const received: number[][] = [];
  const receive = (_: unknown, buffers: Uint8Array[]) => received.push(...buffers.map(valuesOf));
  model.on("msg:custom", receive as never);
  model.send({ type: "need", id: 1, keys: ["level/0/0/0", "image/0"] });
  await expect.poll(() => received).toEqual([[4, 4], [1]]);
  dispose();
  model.send({ type: "need", id: 2, keys: ["image/0"] });
  await new Promise((resolve) => setTimeout(resolve));
  expect(received).toHaveLength(2);
});

test("what cannot be decoded stops neither its neighbours nor what follows", async () => {
  const report = vi.spyOn(console, "error").mockImplementation(() => {});
  const { inner, model } = make({ _pictures: { tiles: [] }, _frame: {} });
  const received: unknown[] = [];
  model.on("change:_frame", () => {
    const { version, sources } = model.get("_frame");
    received.push([version, sources[0].tiles.map(({ data }: { data: Bytes }) => valuesOf(data))]);
  });
  const broken = { ...coded("level/0/0/0", 1), data: new Uint8Array([1, 2, 3]) };
  inner.set("_frame", { version: 1, sources: [{ tiles: [broken, coded("level/0/1/0", 2)] }] });
  await expect.poll(() => received).toEqual([[1, [[...broken.data], [2, 2]]]]);
  expect(report).toHaveBeenCalledWith("level/0/0/0", expect.anything());
  inner.set("_frame", { version: 2, sources: [{ tiles: [] }] });
  expect(received[1]).toEqual([2, []]);
});
