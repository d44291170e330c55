// A click on a step in a training panel moves the step dials of its run in the same page, also while
// the kernel is busy and where there is none.

const eventOf = (run: string) => `torchdial-step-${run}`;

/** @param run the id of its history */
export function announceStep(run: string, step: number): void {
  window.dispatchEvent(new CustomEvent(eventOf(run), { detail: step }));
}

/** Call `go` with the steps that are chosen of a run; returns a function that stops it. */
export function followSteps(run: string, go: (step: number) => void): () => void {
  const follow = (e: Event) => go((e as CustomEvent<number>).detail);
  window.addEventListener(eventOf(run), follow);
  return () => window.removeEventListener(eventOf(run), follow);
}
