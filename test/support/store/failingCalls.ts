import fs, { open, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/** Functions of node:fs/promises, and methods of its file handles. */
const calls = ["open", "stat", "lstat", "readdir", "mkdir", "rename", "link", "copyFile", "rm"] as const;
const handleCalls = ["read", "write", "sync", "truncate", "stat"] as const;

type Call = (typeof calls)[number] | `handle.${(typeof handleCalls)[number]}`;

function systemError(code: string, file: string): Error {
  return Object.assign(new Error(`${code}: made by a test, '${file}'`), { code, syscall: "test" });
}

/** The prototype of all file handles. */
async function handlePrototype(): Promise<object> {
  const name = path.join(os.tmpdir(), `resident handle ${process.pid}`);
  const handle = await open(name, "w+");
  await handle.close();
  await rm(name);
  return Object.getPrototypeOf(handle);
}

/** Replaces functions of `target` while `body` runs. `wrap` returns the replacement. */
async function replacing(
  replaced: readonly (readonly [target: object, name: string, wrap: (original: Work) => Work])[],
  body: () => Promise<void>,
): Promise<void> {
  const originals = replaced.map(([target, name]) => [target, name, Reflect.get(target, name)] as const);
  for (const [target, name, wrap] of replaced) Reflect.set(target, name, wrap(Reflect.get(target, name)));
  try {
    await body();
  } finally {
    for (const [target, name, original] of originals) Reflect.set(target, name, original);
  }
}

type Work = (this: unknown, ...parameters: readonly unknown[]) => unknown;

/**
 * Runs `body` while the system calls that `isFailing` chooses reject with `code`; resolves with their number. `file` is
 * empty for a call on a handle.
 */
export async function withFailingCalls(
  code: string,
  isFailing: (call: Call, file: string, flags: unknown) => boolean,
  body: () => Promise<void>,
): Promise<number> {
  let failures = 0;
  const prototype = await handlePrototype();
  const wrapped = (call: Call, fileOf: (first: unknown) => string) => (original: Work) =>
    function failing(this: unknown, ...parameters: readonly unknown[]): unknown {
      const file = fileOf(parameters[0]);
      if (!isFailing(call, file, parameters[1])) return Reflect.apply(original, this, parameters);
      failures += 1;
      return Promise.reject(systemError(code, file));
    };
  await replacing(
    [
      ...calls.map((call) => [fs, call, wrapped(call, String)] as const),
      ...handleCalls.map((call) => [prototype, call, wrapped(`handle.${call}`, () => "")] as const),
    ],
    body,
  );
  return failures;
}

/** Runs `body` while every read of a file handle returns at most `mostBytes`, and sometimes nothing at first. */
export async function withShortReads(mostBytes: number, body: () => Promise<void>): Promise<void> {
  let reads = 0;
  const shorter = (original: Work) =>
    function read(this: unknown, into: unknown, at: unknown, length: unknown, from: unknown): unknown {
      reads += 1;
      const bytes = reads % 5 === 0 ? 0 : Math.min(Number(length), mostBytes);
      return Reflect.apply(original, this, [into, at, bytes, from]);
    };
  await replacing([[await handlePrototype(), "read", shorter]], body);
}

/** Runs `body` while every write through a file handle writes at most `mostBytes`. */
export async function withShortWrites(mostBytes: number, body: () => Promise<void>): Promise<void> {
  const shorter = (original: Work) =>
    function write(this: unknown, bytes: unknown, at: unknown, length: unknown, position: unknown): unknown {
      return Reflect.apply(original, this, [bytes, at, Math.min(Number(length), mostBytes), position]);
    };
  await replacing([[await handlePrototype(), "write", shorter]], body);
}
