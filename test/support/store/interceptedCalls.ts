import fsPromises from "node:fs/promises";
import os from "node:os";
import path from "node:path";

export interface Interception {
  /**
   * Calls on files elsewhere go their way: agents of earlier tests are saved a while after their last use, whatever runs
   * by then.
   */
  readonly folder: string;
  /** Calls of node:fs/promises by name; "sync" is FileHandle's. */
  readonly names: readonly string[];
  /** Awaited before each call. */
  readonly before: (name: string) => Promise<void> | void;
}

/** Runs `work` while the product's calls on the files of a folder are intercepted. */
export async function whileIntercepting<T>(
  { folder, names, before }: Interception,
  work: () => Promise<T>,
): Promise<T> {
  const ownHandles = new WeakSet<object>();
  const isInside = (place: unknown) => typeof place === "string" && !path.relative(folder, place).startsWith("..");
  const handles = await handlePrototype();
  const undo = [...new Set([...names, "open"])].map((name) =>
    replace(name === "sync" ? handles : fsPromises, name, async (self, args, original) => {
      const isOwn = name === "sync" ? isObject(self) && ownHandles.has(self) : isInside(args[0]);
      if (isOwn && names.includes(name)) await before(name);
      const result = await Reflect.apply(original, self, args);
      if (isOwn && name === "open" && isObject(result)) ownHandles.add(result);
      return result;
    }),
  );
  try {
    return await work();
  } finally {
    for (const one of undo) one();
  }
}

/** Counts how often `work` makes each of the calls on files of `folder`. */
export async function countCalls(
  folder: string,
  names: readonly string[],
  work: () => Promise<unknown>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const before = (name: string) => void counts.set(name, (counts.get(name) ?? 0) + 1);
  await whileIntercepting({ folder, names, before }, work);
  return counts;
}

/** The class of file handles, which Node does not export. */
async function handlePrototype(): Promise<object> {
  const probe = await fsPromises.open(os.tmpdir(), "r");
  await probe.close();
  return Object.getPrototypeOf(probe);
}

type Instead = (self: unknown, args: readonly unknown[], original: (...args: never[]) => unknown) => Promise<unknown>;

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isFunction(value: unknown): value is (...args: never[]) => unknown {
  return typeof value === "function";
}

function replace(object: object, name: string, instead: Instead): () => void {
  const original: unknown = Reflect.get(object, name);
  if (!isFunction(original)) throw new Error(`there is no ${name} to intercept`);
  const replaced = function (this: unknown, ...args: readonly unknown[]): Promise<unknown> {
    return instead(this, args, original);
  };
  Object.defineProperty(object, name, { value: replaced, configurable: true, writable: true });
  return () => Object.defineProperty(object, name, { value: original, configurable: true, writable: true });
}
