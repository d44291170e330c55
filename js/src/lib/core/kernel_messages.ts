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

/** Call the action of each message's type; an unknown one is an error. Returns how to stop. */
export function handleMessages<Message extends { type: string }>(
  events: Events,
  guard: Guard,
  actions: MessageHandlers<Message>,
): () => void {
  const take = guard((message: Message, buffers: Bytes[]) => {
    const type: Message["type"] = message.type;
    if (type === "settled") return; // synced_settings.ts handles it
    if (!Object.hasOwn(actions, type)) {
      throw new Error(`torchdial: unknown message ${JSON.stringify(message)}`);
    }
    actions[type](message as never, buffers);
  });
  return subscribe(events, "msg:custom", take);
}
