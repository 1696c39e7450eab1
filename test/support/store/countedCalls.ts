import fsPromises from "node:fs/promises";
import os from "node:os";

/** Calls of the file system, by name; `sync` are those that wait for the disk. */
export type CallCounts = ReadonlyMap<string, number>;

/** Counts the calls that `work` makes of `names` in node:fs/promises, and of FileHandle's sync. Nothing else may run meanwhile. */
export async function countCalls(names: readonly string[], work: () => Promise<unknown>): Promise<CallCounts> {
  const counts = new Map<string, number>();
  const handles = await handlePrototype();
  const undo = [
    ...names.map((name) => countMethod(fsPromises, name, name, counts)),
    ...["sync", "datasync"].map((name) => countMethod(handles, name, "sync", counts)),
  ];
  try {
    await work();
  } finally {
    for (const one of undo) one();
  }
  return counts;
}

/** The class of file handles, which node does not export. */
async function handlePrototype(): Promise<object> {
  const probe = await fsPromises.open(os.tmpdir(), "r");
  await probe.close();
  return Object.getPrototypeOf(probe);
}

function countMethod(object: object, name: string, as: string, counts: Map<string, number>): () => void {
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== "function") throw new Error(`there is no ${name} to count`);
  const counting = function (this: unknown, ...args: readonly unknown[]): unknown {
    counts.set(as, (counts.get(as) ?? 0) + 1);
    return Reflect.apply(original, this, args);
  };
  Object.defineProperty(object, name, { value: counting, configurable: true, writable: true });
  return () => Object.defineProperty(object, name, { value: original, configurable: true, writable: true });
}
