import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { FileModel } from "../../src/lib/report/file_host";
import { answer, type SavedAnswers } from "../../src/lib/report/kernel_answers";
import { formatNumber } from "../../src/lib/report/python_format";
import { unpackBytes } from "../../src/lib/report/unpack_bytes";

const golden = new URL("../../../tests/golden/numbers.json", import.meta.url);
const { cases }: { cases: [number, string][] } = JSON.parse(readFileSync(golden, "utf-8"));

describe("numbers", () => {
  test.each(cases)("%d is written as Python writes it", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
  test.each([
    [Number.NaN, "nan"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NEGATIVE_INFINITY, "-inf"],
  ])("%d has a word", (value, text) => {
    expect(formatNumber(value)).toBe(text);
  });
});

test("bytes come back to their places, without being copied", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5);
  const state = { a: [{ key: "k", data: { $bytes: [1, 3] } }], b: null, c: { d: "$bytes" } };
  const found = unpackBytes(state, bytes) as {
    a: { data: Uint8Array }[];
    b: null;
    c: { d: string };
  };
  expect([...found.a[0].data]).toEqual([2, 3, 4]);
  expect(found.a[0].data.buffer).toBe(bytes.buffer);
  expect([found.b, found.c]).toEqual([null, { d: "$bytes" }]);
});

const bytes = (...values: number[]) => Uint8Array.from([9, ...values]).subarray(1);
const distribution = (step: number) => ({ head: { step } as never, data: bytes(step) });
const kept: SavedAnswers = {
  pictures: {
    "image/0": bytes(1),
    "image/1": bytes(2),
    "values/0": { dtype: "u1", width: 2, channels: 2, data: bytes(0, 1, 2, 3, 4, 5, 6, 7) },
    "values/1": { dtype: "f4", width: 1, channels: 1, data: bytes(0, 0, 0, 62) },
    "values/2": { dtype: "b1", width: 2, channels: 1, data: bytes(0, 1) },
    "values/3": { dtype: "i4", width: 1, channels: 1, data: bytes(255, 255, 255, 255) },
    "values/4": { dtype: "f8", width: 1, channels: 1, data: bytes(0, 0, 0, 0, 0, 0, 248, 63) },
  },
  distributions: [distribution(1), distribution(5), distribution(9)],
};
const ask = (content: Record<string, unknown>) => answer({ id: 7, ...content } as never, kept, 3);

describe("the answers of a report in place of a kernel", () => {
  test("the planes in it, of the shown frame", () => {
    expect(ask({ type: "need", keys: ["image/1", "image/5", "image/0"] })).toEqual({
      message: {
        type: "tiles",
        id: 7,
        version: 3,
        keys: ["image/1", "image/0"],
        codings: [null, null],
      },
      buffers: [bytes(2), bytes(1)],
    });
  });
  test.each([
    [0, 1, 1, "6, 7"],
    [1, 0, 0, "0.125"],
    [2, 1, 0, "True"],
    [3, 0, 0, "-1"],
    [4, 0, 0, "1.5"],
  ])("values of picture %d at (%d, %d)", (image, x, y, values) => {
    expect(ask({ type: "pixel", image, x, y })?.message).toEqual({
      type: "pixel",
      id: 7,
      image,
      x,
      y,
      values,
    });
  });
  test.each([
    [-10, 1],
    [2, 1],
    [3, 5], // as near as 1, and newer
    [6, 5],
    [100, 9],
  ])("the distribution nearest to step %d", (step, found) => {
    const said = ask({ type: "distribution", step, row: "head" });
    expect(said?.message.distribution).toEqual({ step: found });
    expect(said?.buffers).toEqual([bytes(found)]);
  });
  test("no distribution where there is none", () => {
    const none = { pictures: {}, distributions: [] };
    const said = answer({ type: "distribution", id: 1, step: 3 } as never, none, 0);
    expect(said?.message).toEqual({ type: "distribution", id: 1, distribution: null });
  });
  test("no finer points: the shown ones stay", () => {
    expect(ask({ type: "detail" })?.message).toMatchObject({ type: "error", id: 7 });
  });
  test("a settled dial gets no answer", () => {
    expect(ask({ type: "settle", state: {} })).toBeNull();
  });
  test("an unknown question is an error", () => {
    expect(() => ask({ type: "nonsense" })).toThrow(/unknown message.*nonsense/);
  });
});

describe("a model without a kernel", () => {
  const make = () => new FileModel({ state: { threshold: 0.5, _frame: { version: 4 } }, ...kept });

  test("emits changes, at once and only changes", () => {
    const model = make();
    const received: unknown[] = [];
    const tell = () => received.push(model.get("threshold"));
    model.on("change:threshold", tell);
    model.set("threshold", 0.5);
    model.set("threshold", 0.25);
    model.save_changes();
    model.off("change:threshold", tell);
    model.set("threshold", 0.75);
    expect(received).toEqual([0.25]);
    expect(model.get("threshold")).toBe(0.75);
  });
  test("answers after `send` has returned", async () => {
    const model = make();
    const heard: unknown[] = [];
    model.on("msg:custom", (message: unknown, buffers: unknown) => heard.push(message, buffers));
    model.send({ type: "need", id: 1, keys: ["image/0"] } as never);
    expect(heard).toEqual([]);
    await Promise.resolve();
    const message = { type: "tiles", id: 1, version: 4, keys: ["image/0"], codings: [null] };
    expect(heard).toEqual([message, [bytes(1)]]);
  });
});
