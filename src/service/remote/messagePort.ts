import type { MessagePort } from "node:worker_threads";
import type { Port } from "./port";

/** One end of a MessageChannel: a worker's port to the thread that started it, or a port of a test. */
export function messagePort<Out, In>(port: MessagePort): Port<Out, In> {
  return {
    post: (message) => port.postMessage(message),
    onMessage: (listener) => {
      port.on("message", listener);
      return { dispose: () => port.off("message", listener) };
    },
    onClose: (listener) => {
      const closed = () => listener("the channel was closed");
      port.once("close", closed);
      return { dispose: () => port.off("close", closed) };
    },
    close: async () => port.close(),
  };
}
