// Whether the kernel can be reached: hosts report a closed comm and how the kernel is, sending over a
// closed comm throws, and any message from the kernel shows that it is running.

import type { AnyModel } from "@anywidget/types";
import { subscribe } from "./widget_model";

export const GONE =
  "The kernel that made this is gone. The display stays, but changes no longer reach Python: " +
  "run the cell again.";

/** How often to look whether the kernel has ended, in ms. */
export const LOOK_MS = 1000;
const ENDED = ["restarting", "autorestarting", "dead"];

/** The part of a widget's model that messages need. */
export type KernelChannel = Pick<AnyModel, "on" | "off" | "send"> & { widget_manager?: unknown };

export type Kernel = ReturnType<typeof watchKernel>;

/** Call `changed` when the kernel becomes unreachable, and when it is back. */
export function watchKernel(channel: KernelChannel, changed: () => void) {
  let gone = false;
  const hasEnded = endOf(channel.widget_manager);
  const set = (now: boolean) => {
    if (gone === now) return;
    gone = now;
    changed();
  };
  const lost = () => set(true);
  const looking = hasEnded ? setInterval(() => hasEnded() && lost(), LOOK_MS) : undefined;
  const stopListening = [
    subscribe(channel, "comm_live_update", lost), // for an existing widget: its comm was closed
    subscribe(channel, "msg:custom", () => set(hasEnded?.() ?? false)),
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
      clearInterval(looking);
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
 * Return what tells whether the host has no kernel any more, another one, or one that ended: a kernel
 * that is shut down closes no comm. Null for hosts whose manager has no `kernel`.
 */
function endOf(manager: unknown): (() => boolean) | null {
  if (typeof manager !== "object" || manager === null || !("kernel" in manager)) return null;
  const holder = manager as { kernel?: HostKernel | null };
  const first = holder.kernel?.id;
  if (first === undefined) return null;
  return () => {
    const { kernel } = holder;
    return kernel?.id !== first || ENDED.includes(kernel.status);
  };
}
