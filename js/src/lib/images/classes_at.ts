// The classes of the mask and the boxes at a pixel.

import type { ImageInfo } from "./image_store";

/** Names of labels; a label without one is called by its number. */
export function nameOfLabel(names: Record<string, string>, label: number): string {
  return names[label] ?? `class ${label}`;
}

/** The labels at pixel (x, y): that of the mask if it is not 0, and that of the smallest box around it. */
export function labelsAt(
  about: Pick<ImageInfo, "width" | "instances">,
  mask: Uint8Array | null,
  boxes: Float32Array | null,
  x: number,
  y: number,
): number[] {
  const number = mask?.[y * about.width + x] ?? 0;
  const labels = number > 0 ? [about.instances?.[number - 1] ?? number] : [];
  let least = Number.POSITIVE_INFINITY;
  let label: number | null = null;
  for (let i = 0; i < (boxes?.length ?? 0); i += 5) {
    const [x1, y1, x2, y2, of] = (boxes as Float32Array).subarray(i, i + 5);
    const isInside = x + 0.5 >= x1 && x + 0.5 <= x2 && y + 0.5 >= y1 && y + 0.5 <= y2;
    const area = (x2 - x1) * (y2 - y1);
    if (isInside && area <= least) [least, label] = [area, of];
  }
  if (label !== null && !labels.includes(label)) labels.push(label);
  return labels;
}
