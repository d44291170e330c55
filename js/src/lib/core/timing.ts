// Limits how often an action runs; the last call is always carried out.

/** How long to wait for an answer before a request is repeated, in ms. */
export const RETRY_MS = 10_000;

/** Resolves once the page has done what waits: input, painting. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** Run at most once in `interval` ms: after `first` ms, and once more at the end for later calls. */
export function throttle(interval: number, action: () => void, first = 0) {
  let last = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const run = () => {
    cancel();
    last = performance.now();
    action();
  };
  return {
    call() {
      if (timer !== undefined) return;
      const wait = Math.max(first, last + interval - performance.now());
      if (wait <= 0) run();
      else timer = setTimeout(run, wait);
    },
    /** Run a pending call now. */
    flush() {
      if (timer !== undefined) run();
    },
    /** Drop a pending call. */
    cancel,
  };
}

/** Run once before the next paint, however often it is called. */
export function beforePaint(action: () => void) {
  let frame = 0;
  let isEarly = false; // it has run in the task of an event, and no frame has come since
  const cancel = () => {
    cancelAnimationFrame(frame);
    frame = 0;
  };
  const flush = () => {
    if (frame === 0) return;
    cancel();
    action();
  };
  return {
    call() {
      frame ||= requestAnimationFrame(flush);
    },
    /** Run a pending call now, for callers that are in an animation frame already. */
    flush,
    /**
     * Run a pending call in the task of an event, as the next frame may be most of a frame away. Only
     * once before it, so that events which are faster than frames do not pile up.
     */
    atOnce() {
      if (frame === 0 || isEarly) return;
      isEarly = true;
      requestAnimationFrame(() => {
        isEarly = false;
      });
      flush();
    },
    /** Drop a pending call. */
    cancel,
  };
}

/** Run when `rest` ms have passed without a call, or `latest` ms after the first call. */
export function debounce(rest: number, action: () => void, latest = Number.POSITIVE_INFINITY) {
  let first = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const cancel = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  const run = () => {
    cancel();
    action();
  };
  return {
    call() {
      if (timer === undefined) first = performance.now();
      cancel();
      timer = setTimeout(run, Math.min(rest, first + latest - performance.now()));
    },
    cancel,
  };
}
