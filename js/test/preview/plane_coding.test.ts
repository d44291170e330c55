import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodePlane } from "../../src/lib/preview/plane_coding";

interface Case {
  shape: number[];
  data: string;
  values: number[];
}

const path = new URL("../../../tests/golden/planes.json", import.meta.url);
const cases: Case[] = JSON.parse(readFileSync(path, "utf-8"));

test.each(cases)("a plane of shape $shape arrives as it was", async ({ shape, data, values }) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const plane = await decodePlane(bytes, { kind: "deflate", shape });
  expect([...plane]).toEqual(values);
});
