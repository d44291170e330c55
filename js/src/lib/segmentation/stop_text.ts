// The stops of a segmentation as text, of probabilities or of scores of any range.

import { formatStop } from "../core/stops";
import type { SegmentationConfig } from "./segmentation_wire";

const LEAST_DIGITS = 3;
const MOST_DIGITS = 9; // they tell any two float32 apart

type Dial = Pick<SegmentationConfig, "of_scores">;

/** What is compared with a threshold: "score", or "p" for probability. */
export const symbolOf = ({ of_scores }: Dial) => (of_scores ? "score" : "p");

/** The function that gives a stop as text. */
export const formatOf = ({ of_scores }: Dial) => (of_scores ? formatScore : formatStop);

/** A stop with three significant digits, and more where its neighbours would look equal. */
export function formatScore(stops: readonly number[], k: number): string {
  const [before, text, after] = [k - 1, k, k + 1].map(
    (i) => (digits: number) => i in stops && short(stops[i], digits),
  );
  let digits = LEAST_DIGITS;
  while (digits < MOST_DIGITS && [before(digits), after(digits)].includes(text(digits))) digits++;
  return short(stops[k], digits);
}

function short(score: number, digits: number): string {
  return String(Number(score.toPrecision(digits)));
}
