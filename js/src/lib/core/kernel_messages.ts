// What a widget hears from its kernel, by the type of the message.

import type { Bytes } from "./bytes";
import type { Guard } from "./error_display";
import { type Events, subscribe } from "./widget_model";

/** What went wrong in the kernel, in its words. */
export interface Failure {
  type: "error";
  id: number;
  message: string;
}

type Actions<Message extends { type: string }> = {
  [Type in Message["type"]]: (message: Extract<Message, { type: Type }>, buffers: Bytes[]) => void;
};

/** Do what each type of message stands for, an unknown one being an error; returns how to stop. */
export function hear<Message extends { type: string }>(
  events: Events,
  guard: Guard,
  actions: Actions<Message>,
): () => void {
  const take = guard((message: Message, buffers: Bytes[]) => {
    const type: Message["type"] = message.type;
    if (type === "settled") return; // settings.ts takes it
    if (!Object.hasOwn(actions, type)) {
      throw new Error(`torchdial: unknown message ${JSON.stringify(message)}`);
    }
    actions[type](message as never, buffers);
  });
  return subscribe(events, "msg:custom", take);
}
