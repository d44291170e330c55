// Whether the kernel can be reached: hosts report a dead comm, sending over one throws, and each
// message from the kernel shows that it is alive.

import type { AnyModel } from "@anywidget/types";
import { subscribe } from "./widget_model";

export const GONE =
  "The kernel that made this is gone. What is shown stays, but changes no longer reach Python: " +
  "run the cell again.";

/** The part of the model that messages need. */
export type KernelChannel = Pick<AnyModel, "on" | "off" | "send">;

export type Kernel = ReturnType<typeof watchKernel>;

/** `changed` is called when the kernel goes, or answers after all. */
export function watchKernel(line: KernelChannel, changed: () => void) {
  let gone = false;
  const be = (now: boolean) => () => {
    if (gone === now) return;
    gone = now;
    changed();
  };
  const [went, spoke] = [be(true), be(false)];
  const stopListening = [
    subscribe(line, "comm_live_update", went), // once a widget exists: its comm died
    subscribe(line, "msg:custom", spoke),
  ];
  return {
    /** Why it cannot be reached, empty while it can. */
    get message(): string {
      return gone ? GONE : "";
    },
    /** Send; returns whether that was possible. */
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
