/** Ctrl-C, a request to end the process, a terminal that is closed. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Calls `stop` on the first signal to end while `work` runs. A second signal of the same kind ends the process. */
export async function stoppable<T>(stop: () => void, work: () => Promise<T>): Promise<T> {
  for (const signal of signals) process.once(signal, stop);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
