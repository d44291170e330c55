// Counts and metrics of each picture, as CSV.

/** A line for each row after one of the columns' names; NaN is empty, as pandas writes it. */
export function toCsv(columns: readonly string[], rows: readonly (readonly number[])[]): string {
  const cell = (value: number) => (Number.isNaN(value) ? "" : String(value));
  const lines = rows.map((row) => row.map(cell).join(","));
  return `${[columns.join(","), ...lines].join("\n")}\n`;
}
