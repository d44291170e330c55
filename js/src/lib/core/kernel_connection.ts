// Whether the kernel still hears: hosts say when a comm has died, nothing can be sent over a dead
// one, and whatever comes from the kernel shows that it lives.

import type { AnyModel } from "@anywidget/types";
import { subscribe } from "./widget_model";

export const GONE =
  "The kernel that made this is gone. What is shown stays, but Python hears nothing of it any more: " +
  "run the cell again.";

/** The model, as far as talking to the kernel needs it. */
export type Line = Pick<AnyModel, "on" | "off" | "send">;

export type Kernel = ReturnType<typeof watchKernel>;

/** `changed` is called when it goes, or turns out to be there after all. */
export function watchKernel(line: Line, changed: () => void) {
  let gone = false;
  const be = (now: boolean) => () => {
    if (gone === now) return;
    gone = now;
    changed();
  };
  const [went, spoke] = [be(true), be(false)];
  const stopListening = [
    subscribe(line, "comm_live_update", went), // after a widget was made: that its comm died
    subscribe(line, "msg:custom", spoke),
  ];
  return {
    /** What is to be said of it, empty while it hears. */
    get words(): string {
      return gone ? GONE : "";
    },
    /** Send, and say whether that was possible. */
    send(content: unknown): boolean {
      try {
        line.send(content);
      } catch {
        went();
        return false;
      }
      return true;
    },
    dispose(): void {
      for (const stop of stopListening) stop();
    },
  };
}
