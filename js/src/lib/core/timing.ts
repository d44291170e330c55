// Limiting how often something is called, without losing the last call.

/** How long to wait for an answer, in ms, before a request may be repeated. */
export const RETRY_MS = 10_000;

/** Call at most once in `interval` ms: at once if it may, and the latest call at the end. */
export function throttle(interval: number, action: () => void) {
  let last = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const run = () => {
    timer = null;
    last = performance.now();
    action();
  };
  return {
    call() {
      if (timer !== null) return;
      const wait = last + interval - performance.now();
      if (wait <= 0) run();
      else timer = setTimeout(run, wait);
    },
    /** Make a waiting call now. */
    flush() {
      if (timer === null) return;
      clearTimeout(timer);
      run();
    },
    /** Drop a waiting call. */
    cancel() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}

/** Call once before the next paint, however often it is asked for. */
export function beforePaint(action: () => void) {
  let frame = 0;
  return {
    call() {
      if (frame === 0) {
        frame = requestAnimationFrame(() => {
          frame = 0;
          action();
        });
      }
    },
    /** Make a waiting call now, for callers that are in an animation frame already. */
    flush() {
      if (frame === 0) return;
      cancelAnimationFrame(frame);
      frame = 0;
      action();
    },
    cancel() {
      cancelAnimationFrame(frame);
      frame = 0;
    },
  };
}

/** Call once it has not been asked for during `rest` ms, and `latest` ms after the first time. */
export function debounce(rest: number, action: () => void, latest = Number.POSITIVE_INFINITY) {
  let first = 0;
  let timer: ReturnType<typeof setTimeout> | null = null;
  const cancel = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  return {
    call() {
      if (timer === null) first = performance.now();
      cancel();
      const wait = Math.min(rest, first + latest - performance.now());
      timer = setTimeout(() => {
        timer = null;
        action();
      }, wait);
    },
    cancel,
  };
}
