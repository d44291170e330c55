// A run's state in words: whether it runs or how it ended, how far it is and how fast.

import { formatBytes, formatCount, formatSeconds, formatValue } from "../charts/axis_scale";
import type { Status } from "../live/run_wire";

/** A part of the status line; a part that comes again keeps its place by its key. */
export interface Part {
  key: string;
  text: string;
  title: string;
}

export interface State {
  words: string;
  kind: "waiting" | "running" | "paused" | "stopped" | "finished" | "failed" | "gone";
}

/**
 * What the status line says first. `gone` is whether the kernel is, `silence` how long it has sent
 * nothing of a run that goes on, and `statusAge` how old the status is, in ms.
 */
export function stateOf(
  status: Status,
  gone: boolean,
  silence: number | null = null,
  statusAge = 0,
): State {
  const { state, reason, total, done } = status;
  const at = formatCount(status.ended_at ?? status.step);
  const live = ["running", "paused", "stopping", "idle", "followed"].includes(state);
  if (gone && live) return { kind: "gone", words: `kernel gone at step ${at}` };
  switch (state) {
    case "idle":
      return { kind: "waiting", words: "not started" };
    case "running": {
      const words =
        silence === null ? state : `running, no news for ${formatSeconds(silence / 1000)}`;
      return { kind: "running", words };
    }
    case "followed":
      return followed(status, statusAge / 1000);
    case "paused":
      return { kind: "paused", words: `paused at step ${at}` };
    case "stopping":
      return { kind: "paused", words: "stopping at the next step" };
    case "stopped": {
      const of = total !== null && done === status.step ? ` of ${formatCount(total)}` : "";
      return { kind: "stopped", words: `stopped at step ${at}${of}` };
    }
    case "finished":
      return { kind: "finished", words: "finished" };
    case "failed":
      return { kind: "failed", words: `failed at step ${at}${reason && `: ${reason}`}` };
    default:
      return { kind: "waiting", words: `saved at step ${at}, before it ended` };
  }
}

/** A run that another process writes: how long ago its last point was written. */
function followed({ silence, patience }: Status, statusAge: number): State {
  if (silence == null) return { kind: "waiting", words: "no point yet" };
  const age = Math.floor(silence + statusAge);
  const isLate = age > (patience ?? 0);
  const words = `last point ${age < 60 ? `${age} s` : formatSeconds(age)} ago`;
  return { kind: isLate ? "gone" : "running", words: isLate ? `${words}: writer gone?` : words };
}

/** Everything after the state: "step 1,240 / 5,000", "epoch 2/8", "42.1 steps/s", "1:29 left" … */
export function partsOf(status: Status, gone = false): Part[] {
  const { step, done, total, epoch, epochs, steps_per_s: rate } = status;
  const parts: Part[] = [];
  const add = (key: string, text: string, title: string) => parts.push({ key, text, title });
  const same =
    done !== null && (done === step || (status.state === "running" && done === step - 1));
  const of = same && total !== null ? ` / ${formatCount(total)}` : "";
  add("step", `step ${formatCount(step)}${of}`, "optimizer steps");
  if (!same && done !== null && total !== null) {
    add("batch", `batch ${formatCount(done)} / ${formatCount(total)}`, "batches of the loop");
  }
  if (epoch !== null) {
    const text = epochs === null ? formatValue(epoch) : `${epoch + 1}/${epochs}`;
    add("epoch", `epoch ${text}`, "passes through the data");
  }
  if (rate !== null) add("rate", rateOf(rate), "over the last minute, pauses left out");
  if (!gone && (status.state === "running" || status.state === "paused")) {
    const left = secondsLeft(status);
    const known = left === null ? "–" : formatSeconds(left);
    if (total !== null) add("left", `${known} left`, "at the speed of the last minute");
  }
  return [...parts, ...systemOf(status)];
}

/** How busy the devices are: "1,349 samples/s", "GPU 87 %", "31 GB of 80 GB", "data wait 2 %". */
function systemOf({ system, overhead }: Status): Part[] {
  const { gpu, gpu_memory: used, gpu_memory_total: total } = system;
  const share = (name: string) => (value: number) => `${name} ${percent(value)}`;
  const each = (what: string) => (value: number) =>
    `${value < 1 ? formatValue(value) : formatCount(value)} ${what}/s`;
  const cores = (value: number) => `CPU ${value.toFixed(1)} cores`;
  const bytes = (name: string) => (value: number) => `${name} ${formatBytes(value)}`;
  const ofGpu = (value: number) => `GPU memory ${formatBytes(value)} of ${formatBytes(total ?? 0)}`;
  const rows: [string, number | null | undefined, (value: number) => string, string][] = [
    ["samples", system.samples_per_s, each("samples"), "of the batches"],
    ["tokens", system.tokens_per_s, each("tokens"), "of the batches, padding included"],
    ["gpu", gpu, share("GPU"), "share of the time in which the GPU computes, for any process"],
    ["gpu memory", total && used, ofGpu, "of the whole GPU, by any process"],
    ["memory", system.memory, bytes(total ? "tensors" : "memory"), memoryTitle(Boolean(total))],
    ["cpu", gpu == null ? system.cpu : null, cores, "processors that this process keeps busy"],
    ["wait", system.data_wait, share("data wait"), "share of the time spent on data"],
    ["cost", overhead, costOf, "what torchdial takes, as a share of the time of a step"],
  ];
  return rows.flatMap(([key, value, words, title]) =>
    value == null ? [] : [{ key, text: words(value), title }],
  );
}

function memoryTitle(hasGpu: boolean): string {
  return hasGpu ? "of this run's tensors on the GPU" : "of this process";
}

/** Steps of microseconds can be shorter than what is done beside them. */
function costOf(share: number): string {
  return `recording ${share > 1 ? "over 100 %" : percent(share)}`;
}

/** Steps a second, or seconds a step where one takes longer: "42.1 steps/s", "3.20 s/step". */
export function rateOf(stepsPerSecond: number): string {
  const slow = stepsPerSecond < 1;
  const value = slow ? 1 / stepsPerSecond : stepsPerSecond;
  return `${value >= 100 ? formatCount(value) : value.toPrecision(3)} ${slow ? "s/step" : "steps/s"}`;
}

/** Seconds until the end at the present rate; null where the end is not known. */
export function secondsLeft(status: Status): number | null {
  const { done, total, steps_here: steps, steps_per_s: rate } = status;
  if (!done || total === null || !steps || !rate) return null;
  return ((total - done) * steps) / done / rate;
}

function percent(fraction: number): string {
  const value = 100 * fraction;
  return `${value !== 0 && Math.abs(value) < 10 ? value.toFixed(1) : Math.round(value)} %`;
}
