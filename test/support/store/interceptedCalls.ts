import fsPromises from "node:fs/promises";
import os from "node:os";

export interface Interception {
  /** Calls of node:fs/promises by name; "sync" is FileHandle's. */
  readonly names: readonly string[];
  /** Awaited before each call. */
  readonly before: (name: string) => Promise<void> | void;
}

/** Runs `work` while the product's file-system calls are intercepted. Nothing else may run meanwhile. */
export async function whileIntercepting<T>({ names, before }: Interception, work: () => Promise<T>): Promise<T> {
  const handles = await handlePrototype();
  const undo = names.map((name) => intercept(name === "sync" ? handles : fsPromises, name, before));
  try {
    return await work();
  } finally {
    for (const one of undo) one();
  }
}

/** Counts how often `work` makes each of the calls. */
export async function countCalls(
  names: readonly string[],
  work: () => Promise<unknown>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const before = (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1);
  await whileIntercepting({ names, before }, work);
  return counts;
}

/** The class of file handles, which Node does not export. */
async function handlePrototype(): Promise<object> {
  const probe = await fsPromises.open(os.tmpdir(), "r");
  await probe.close();
  return Object.getPrototypeOf(probe);
}

function intercept(object: object, name: string, before: Interception["before"]): () => void {
  const original: unknown = Reflect.get(object, name);
  if (typeof original !== "function") throw new Error(`there is no ${name} to intercept`);
  const intercepted = async function (this: unknown, ...args: readonly unknown[]): Promise<unknown> {
    await before(name);
    return Reflect.apply(original, this, args);
  };
  Object.defineProperty(object, name, { value: intercepted, configurable: true, writable: true });
  return () => Object.defineProperty(object, name, { value: original, configurable: true, writable: true });
}
