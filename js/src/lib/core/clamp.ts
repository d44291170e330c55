/** The nearest number from `low` to `high`; `low` where these cross. */
export function clamp(value: number, low: number, high: number): number {
  return Math.max(Math.min(value, high), low);
}
