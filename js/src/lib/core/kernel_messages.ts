// Messages from the kernel, handled by their type.

import type { Bytes } from "./bytes";
import type { Guard } from "./error_display";
import { type Events, subscribe } from "./widget_model";

/** An error in the kernel. */
export interface Failure {
  type: "error";
  id: number;
  message: string;
}

type MessageHandlers<Message extends { type: string }> = {
  [Type in Message["type"]]: (message: Extract<Message, { type: Type }>, buffers: Bytes[]) => void;
};

/**
 * Call the handler of each message's type; an unknown type is an error. Returns a function that stops
 * listening.
 */
export function handleMessages<Message extends { type: string }>(
  events: Events,
  guard: Guard,
  handlers: MessageHandlers<Message>,
): () => void {
  const handle = guard((message: Message, buffers: Bytes[]) => {
    const type: Message["type"] = message.type;
    if (type === "settled") return; // synced_settings.ts handles it
    if (!Object.hasOwn(handlers, type)) {
      throw new Error(`torchdial: unknown message ${JSON.stringify(message)}`);
    }
    handlers[type](message as never, buffers);
  });
  return subscribe(events, "msg:custom", handle);
}
