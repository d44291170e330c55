// Whether the kernel can be reached: hosts report a closed comm, sending over one throws, and any
// message from the kernel shows that it is running.

import type { AnyModel } from "@anywidget/types";
import { subscribe } from "./widget_model";

export const GONE =
  "The kernel that made this is gone. The display stays, but changes no longer reach Python: " +
  "run the cell again.";

/** The part of a widget's model that messages need. */
export type KernelChannel = Pick<AnyModel, "on" | "off" | "send">;

export type Kernel = ReturnType<typeof watchKernel>;

/** Call `changed` when the kernel becomes unreachable, and when it is back. */
export function watchKernel(channel: KernelChannel, changed: () => void) {
  let gone = false;
  const setGone = (now: boolean) => () => {
    if (gone === now) return;
    gone = now;
    changed();
  };
  const [lost, reached] = [setGone(true), setGone(false)];
  const stopListening = [
    subscribe(channel, "comm_live_update", lost), // for an existing widget: its comm was closed
    subscribe(channel, "msg:custom", reached),
  ];
  return {
    /** A notice while the kernel cannot be reached, else empty. */
    get message(): string {
      return gone ? GONE : "";
    },
    /** Send a message; returns whether that was possible. */
    send(content: unknown): boolean {
      try {
        channel.send(content);
      } catch {
        lost();
        return false;
      }
      return true;
    },
    dispose(): void {
      for (const stop of stopListening) stop();
    },
  };
}
