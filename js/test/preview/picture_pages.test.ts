import { beforeAll, expect, it } from "vitest";
import { createPages } from "../../src/lib/preview/picture_pages";
import { useFakeDocument } from "../fake_document";

beforeAll(useFakeDocument);

const events = { orders: [], canRank: () => true, changed() {} };

it("a single picture stays where none is chosen", () => {
  const pages = createPages(1, 16, events);
  for (const chosen of [[], [7]]) {
    pages.choose(chosen);
    expect(pages.images()).toEqual([0]);
    pages.turn(1);
    expect(pages.images()).toEqual([0]);
  }
});

it("of several pictures none is shown, and then all again", () => {
  const pages = createPages(5, 2, events);
  pages.choose([]);
  pages.turn(-1);
  expect([pages.images(), pages.pick(0), pages.alone()]).toEqual([[], false, null]);
  pages.choose(null);
  expect(pages.images()).toEqual([0, 1]);
});

it("a picture that is alone stays among others, where it may", () => {
  const pages = createPages(5, 2, events);
  pages.pick(1);
  for (const chosen of [[4, 1], [4, 3], null]) {
    pages.choose(chosen, true);
    expect(pages.alone()).toBe(1);
  }
  pages.choose([4, 3], true);
  pages.turn(1);
  expect(pages.alone()).toBe(4);
  pages.choose([3, 4]);
  expect([pages.alone(), pages.images()]).toEqual([null, [3, 4]]);
});

it("goes from page to page, and from picture to picture", () => {
  const pages = createPages(5, 2, events);
  const seen = [1, 1, 1, -9].map((by) => {
    pages.turn(by);
    return pages.images();
  });
  expect(seen).toEqual([[2, 3], [4], [4], [0, 1]]);
  pages.choose([4, 3, 1]);
  pages.pick(1);
  pages.turn(1);
  expect(pages.images()).toEqual([1]);
  pages.pick(0);
  expect(pages.images()).toEqual([1]);
});
