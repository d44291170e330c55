// The rules of all widgets are used in one page, so each class has rules in one file only.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const SHARED = /theme\.css$/; // shared; other files may add rules
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
