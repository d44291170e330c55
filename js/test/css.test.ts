// Rules of all widgets come together in one page, so what one means by a name no other may restyle.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SHARED = /theme\.css$/; // what all have; others may add to it
const sources = new URL("../src", import.meta.url).pathname;

test("a class of its own has rules in one file alone", () => {
  const files = readdirSync(sources, { recursive: true, encoding: "utf8" });
  const homes = new Map<string, Set<string>>();
  for (const file of files.filter((name) => name.endsWith(".css") && !SHARED.test(name))) {
    const text = readFileSync(join(sources, file), "utf8");
    for (const [, name] of text.matchAll(/^\.(torchdial-[\w-]+)(?=,$| \{$)/gm)) {
      homes.set(name, (homes.get(name) ?? new Set()).add(file));
    }
  }
  expect(homes.size).toBeGreaterThan(50);
  expect([...homes].filter(([, { size }]) => size > 1)).toEqual([]);
});
