// Points as text that a spreadsheet reads.

import type { ScalarLine } from "./scalar_line";

/** One line a point: run, name, step, seconds and value, with all their digits. */
export function tableOf(scalars: readonly Pick<ScalarLine, "run" | "name" | "track">[]): string {
  const lines = ["run,name,step,time,value"];
  for (const { run, name, track } of scalars) {
    const start = `${quote(run)},${quote(name.full)}`;
    track.y.forEach((value, i) => {
      lines.push(`${start},${track.steps[i]},${track.times[i]},${value}`);
    });
  }
  return `${lines.join("\n")}\n`;
}

function quote(text: string): string {
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
