import { expect, test } from "vitest";
import { createImageStore } from "../../src/lib/images/image_store";

const about = new TextEncoder().encode(JSON.stringify({ height: 2, width: 2, channels: 1 }));

test("a thousand pages leave some hundred pictures, and the visible ones", () => {
  const store = createImageStore(() => {});
  const held = (kind: string, image: number) => store.held(`${kind}/${image}`) !== null;
  for (let page = 0; page < 1000; page++) {
    const images = Array.from({ length: 64 }, (_, i) => 64 * page + i);
    store.take(
      images.flatMap((image) => [
        { key: `about/${image}`, data: about },
        { key: `picture/${image}`, data: new Uint8Array(4) },
        { key: `small/${image}`, data: new Uint8Array(1) },
      ]),
    );
    store.keep(images);
  }
  const all = Array.from({ length: 64_000 }, (_, image) => image);
  for (const kind of ["about", "picture", "small"]) {
    const kept = all.filter((image) => held(kind, image));
    expect(kept).toEqual(all.slice(-320));
  }
});

test("deleted pictures are requested again when they are visible again", async () => {
  const asked: string[] = [];
  const store = createImageStore((keys) => asked.push(...keys));
  store.take([{ key: "picture/0", data: new Uint8Array(4) }]);
  store.keep([0]);
  for (let image = 1; image < 400; image++) store.keep([image]);
  expect(store.get("picture/0")).toBeNull();
  await Promise.resolve();
  expect(asked).toEqual(["picture/0"]);
});
