// Whether the kernel can be reached: hosts report a closed comm and how the kernel is, sending over a
// closed comm throws, and any message from the kernel shows that it is running.

import type { AnyModel } from "@anywidget/types";
import { subscribe } from "./widget_model";

export const GONE =
  "The kernel that made this is gone. The display stays, but changes no longer reach Python: " +
  "run the cell again.";

/** How often to look whether the kernel has ended, in ms. */
export const LOOK_MS = 1000;
const ENDED = ["terminating", "restarting", "autorestarting", "dead"];

/** The part of a widget's model that messages need. */
export type KernelChannel = Pick<AnyModel, "on" | "off" | "send"> & { widget_manager?: unknown };

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
    watchEnd(channel.widget_manager, lost),
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

/** A kernel as JupyterLab and Notebook know it. */
interface HostKernel {
  id: string;
  status: string;
}

/**
 * Call `ended` when the host has no kernel any more, another one, or one that ends: a kernel that is
 * shut down closes no comm. Hosts whose manager has no `kernel` are not watched.
 */
function watchEnd(manager: unknown, ended: () => void): () => void {
  if (typeof manager !== "object" || manager === null || !("kernel" in manager)) return () => {};
  const holder = manager as { kernel?: HostKernel | null };
  const first = holder.kernel?.id;
  if (first === undefined) return () => {};
  const timer = setInterval(() => {
    const { kernel } = holder;
    if (kernel?.id !== first || ENDED.includes(kernel.status)) ended();
  }, LOOK_MS);
  return () => clearInterval(timer);
}
