import fs, { open, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

type Call = "open" | "stat" | "lstat" | "readdir" | "mkdir" | "rename" | "link" | "rm";

function systemError(code: string, file: string): Error {
  return Object.assign(new Error(`${code}: made by a test, '${file}'`), { code });
}

/** Runs `body` while the calls of the system that `isFailing` chooses reject with `code`; resolves with how many did. */
export async function withFailingCalls(
  code: string,
  isFailing: (call: Call, file: string, flags: unknown) => boolean,
  body: () => Promise<void>,
): Promise<number> {
  const calls: readonly Call[] = ["open", "stat", "lstat", "readdir", "mkdir", "rename", "link", "rm"];
  let failures = 0;
  const originals = calls.map((call) => [call, Reflect.get(fs, call)] as const);
  for (const [call, original] of originals) {
    Reflect.set(fs, call, (...parameters: readonly unknown[]) => {
      const file = String(parameters[0]);
      if (!isFailing(call, file, parameters[1])) return Reflect.apply(original, fs, parameters);
      failures += 1;
      return Promise.reject(systemError(code, file));
    });
  }
  try {
    await body();
  } finally {
    for (const [call, original] of originals) Reflect.set(fs, call, original);
  }
  return failures;
}

/** Runs `body` while every read of a file handle gives at most `mostBytes`, and now and then nothing at first. */
export async function withShortReads(mostBytes: number, body: () => Promise<void>): Promise<void> {
  const name = path.join(os.tmpdir(), `resident short reads ${process.pid}`);
  const handle = await open(name, "w+");
  const prototype: object = Object.getPrototypeOf(handle);
  await handle.close();
  await rm(name);
  const original = Reflect.get(prototype, "read");
  let reads = 0;
  Reflect.set(prototype, "read", function read(this: unknown, into: Buffer, at: number, length: number, from: number) {
    reads += 1;
    const bytes = reads % 5 === 0 ? 0 : Math.min(length, mostBytes);
    return Reflect.apply(original, this, [into, at, bytes, from]);
  });
  try {
    await body();
  } finally {
    Reflect.set(prototype, "read", original);
  }
}
