/** The values shown as black and as white, where they are not 0 and 1 or 0 and 255. */
export type DisplayWindow = [number, number] | null;

/** A window for a caption, such as "[-1024, 3071]"; nothing for the usual one. */
export function windowText(window?: DisplayWindow): string {
  return window ? `[${window.map((value) => Number(value.toPrecision(4))).join(", ")}]` : "";
}
