/** Ctrl-C, whoever ends processes, a terminal that is closed. */
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** When this process is asked to end while `work` goes on, `stop` is called; asked once more in the same way, it ends. */
export async function stoppable<T>(stop: () => void, work: () => Promise<T>): Promise<T> {
  for (const signal of signals) process.once(signal, stop);
  try {
    return await work();
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}
