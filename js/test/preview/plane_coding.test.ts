import { readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { decodePlane, planeOf } from "../../src/lib/preview/plane_coding";

interface Case {
  shape: number[];
  data: string;
  values: number[];
}

const path = new URL("../../../tests/golden/planes.json", import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(path, "utf-8"));

test.each(cases)("a plane of shape $shape arrives as it was", async ({ shape, data, values }) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  await decodePlane(bytes, { kind: "deflate", shape });
  expect([...(planeOf(bytes) as Uint8Array)]).toEqual(values);
});

test("a plane of bits arrives as values of 0 and 1", async () => {
  const values = Uint8Array.from({ length: 3 * 7 }, (_, i) => Number(i % 3 === 0 || i === 20));
  const packed = new Uint8Array(3); // the first value in the lowest bit
  values.forEach((value, i) => {
    packed[Math.floor(i / 8)] += value * 2 ** (i % 8);
  });
  const bytes = new Uint8Array(deflateSync(packed));
  await decodePlane(bytes, { kind: "bits", shape: [3, 7] });
  expect(planeOf(bytes)).toEqual(values);
});
