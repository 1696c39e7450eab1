import type { Worker } from "node:worker_threads";
import type { Port } from "./port";

/** The port to a worker from the thread that started it. Closing it ends the worker at once. */
export function workerPort<Out, In>(worker: Worker): Port<Out, In> {
  let failure: string | undefined;
  worker.on("error", (error) => {
    failure = error.stack ?? error.message;
  });
  return {
    post: (message) => worker.postMessage(message),
    onMessage: (listener) => {
      worker.on("message", listener);
      return { dispose: () => worker.off("message", listener) };
    },
    onClose: (listener) => {
      const ended = (code: number) => listener(failure ?? `its thread ended with code ${code}`);
      worker.once("exit", ended);
      return { dispose: () => worker.off("exit", ended) };
    },
    close: async () => {
      await worker.terminate();
    },
  };
}
