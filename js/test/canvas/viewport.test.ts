import { describe, expect, it } from "vitest";
import { panBy, pointAt, visibleRegion, WHOLE, zoomAt } from "../../src/lib/canvas/viewport";

describe("zooming", () => {
  it("keeps the point under the pointer where it is", () => {
    const before = pointAt(WHOLE, 0.3, 0.8, { width: 100, height: 60 });
    const after = pointAt(zoomAt(WHOLE, 3, 0.3, 0.8, 10), 0.3, 0.8, { width: 100, height: 60 });
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it("stops at the whole picture and at the closest look", () => {
    expect(zoomAt(WHOLE, 0.1, 0.2, 0.2, 10)).toEqual(WHOLE);
    expect(zoomAt(WHOLE, 99, 0.5, 0.5, 10).zoom).toBe(10);
  });

  it("off the middle moves nothing at the closest look, and keeps the point on the way there", () => {
    const closest = { zoom: 10, x: 0.4, y: 0.6 };
    expect(zoomAt(closest, 2, 0.9, 0.1, 10)).toEqual(closest);
    const near = { zoom: 8, x: 0.4, y: 0.6 };
    const before = pointAt(near, 0.9, 0.1, { width: 100, height: 60 });
    const after = pointAt(zoomAt(near, 99, 0.9, 0.1, 10), 0.9, 0.1, { width: 100, height: 60 });
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });
});

describe("panning", () => {
  it("moves the picture with the hand", () => {
    const zoomed = zoomAt(WHOLE, 2, 0.5, 0.5, 10);
    expect(panBy(zoomed, 0.5, 0).x).toBeCloseTo(0.25);
  });

  it("never shows what lies beyond the picture", () => {
    const zoomed = zoomAt(WHOLE, 2, 0.5, 0.5, 10);
    expect(panBy(zoomed, -9, 9)).toEqual({ zoom: 2, x: 0.75, y: 0.25 });
  });
});

describe("the visible region", () => {
  it("is the whole map at first, over the whole frame", () => {
    const { region, dest } = visibleRegion(
      WHOLE,
      { width: 7, height: 5 },
      { width: 70, height: 50 },
    );
    expect(region).toEqual({ x: 0, y: 0, width: 7, height: 5 });
    expect(dest).toEqual({ x: 0, y: 0, width: 70, height: 50 });
  });

  it("is made of whole pixels that begin outside of the frame where they are cut", () => {
    const { region, dest } = visibleRegion(
      { zoom: 2, x: 0.5, y: 0.5 },
      { width: 10, height: 10 },
      { width: 100, height: 100 },
    );
    expect(region).toEqual({ x: 2, y: 2, width: 6, height: 6 });
    expect(dest).toEqual({ x: -10, y: -10, width: 120, height: 120 });
  });
});
