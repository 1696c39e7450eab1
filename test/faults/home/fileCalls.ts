/**
 * Counts every call of `node:fs/promises` on a watched folder and can make one of them fail. A call's name consists of
 * its operation, the kind of file, and its number among equal calls, so it does not depend on the order of independent
 * calls.
 */
import fs, { type FileHandle } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

export interface CallName {
  readonly operation: string;
  /** The file's name without parts that differ between runs. */
  readonly file: string;
  /** From 1. */
  readonly nth: number;
}

export type Fault =
  /** The call fails and does nothing, or with "half", half of its work. */
  | { readonly type: "error"; readonly code: string; readonly half: boolean }
  /** The call does half of the requested work, and returns that. */
  | { readonly type: "short" }
  /** The process ends before, in the middle of, or after the call. */
  | { readonly type: "end"; readonly when: Moment };

export const moments = ["before", "during", "after"] as const;
export type Moment = (typeof moments)[number];

export const nameText = ({ operation, file, nth }: CallName): string => `${operation} ${file} ${nth}`;

/** Calls in one folder and below. */
export class WatchedFolder {
  readonly calls: CallName[] = [];
  /** Open handles, and the functions that close them. */
  readonly handles = new Map<FileHandle, () => Promise<unknown>>();
  /** Whether the planned fault has happened. */
  hit = false;
  private readonly counts = new Map<string, number>();
  private readonly planned: { readonly name: string; readonly fault: Fault } | undefined;
  private readonly underWay = new Set<Promise<unknown>>();
  private hasEnded = false;
  private armed = true;

  /** `end` is called where a process would end; calls of code that still runs never return then. */
  constructor(
    readonly root: string,
    plan?: { readonly call: CallName; readonly fault: Fault },
    private readonly end: () => void = () => {},
  ) {
    this.planned = plan && { name: nameText(plan.call), fault: plan.fault };
  }

  get ended(): boolean {
    return this.hasEnded;
  }

  /** No call is counted or fails from now on. */
  disarm(): void {
    this.armed = false;
  }

  async call(operation: string, file: string, work: Work): Promise<unknown> {
    if (this.hasEnded) return never();
    const fault = this.armed ? this.faultOf(operation, file) : undefined;
    const result = fault === undefined ? work.whole() : this.fail(fault, operation, file, work);
    if (fault?.type === "end") return never();
    this.underWay.add(result);
    try {
      const found = await result;
      return this.hasEnded ? never() : found;
    } finally {
      this.underWay.delete(result);
    }
  }

  /** Waits for calls that were under way at the end, since they still do their work. */
  async settle(): Promise<void> {
    await Promise.allSettled([...this.underWay]);
    await Promise.allSettled([...this.handles.values()].map((close) => close()));
  }

  private faultOf(operation: string, file: string): Fault | undefined {
    const kind = kindOf(this.root, file);
    const key = `${operation} ${kind}`;
    const nth = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, nth);
    const name = { operation, file: kind, nth };
    this.calls.push(name);
    if (this.planned?.name !== nameText(name)) return undefined;
    this.hit = true;
    return this.planned.fault;
  }

  private async fail(fault: Fault, operation: string, file: string, work: Work): Promise<unknown> {
    if (fault.type === "short") return work.half();
    if (fault.type === "error") {
      if (fault.half) await work.half();
      throw systemError(fault.code, operation, file);
    }
    // Whether the call would have failed does not matter any more.
    if (fault.when === "during") await work.half().catch(() => {});
    if (fault.when === "after") await work.whole().catch(() => {});
    this.hasEnded = true;
    this.end();
    return never();
  }
}

interface Work {
  readonly whole: () => Promise<unknown>;
  readonly half: () => Promise<unknown>;
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function systemError(code: string, syscall: string, file: string): NodeJS.ErrnoException {
  const errno = Object.entries(os.constants.errno).find(([name]) => name === code)?.[1] ?? 5;
  return Object.assign(new Error(`${code}: planned, ${syscall} '${file}'`), {
    code,
    errno: -errno,
    syscall,
    path: file,
  });
}

/** The file's path without ids, digests, numbers and process ids. */
export function kindOf(root: string, file: string): string {
  return path
    .relative(root, file)
    .split(path.sep)
    .map((part) =>
      part
        .replace(/\.tmp-.*$/, ".tmp")
        .replace(/^\.deleted-.*$/, ".deleted")
        .replace(/[0-9a-f]{12,}/g, "*")
        .replace(/^[0-9a-f]{2}$/, "*")
        .replace(/[0-9]+/g, "#"),
    )
    .join("/");
}

const watched = new Set<WatchedFolder>();
const pathsOfHandles = new WeakMap<object, string>();

/**
 * Watches the folder until the returned function is called, which closes handles that the calls left open. After a
 * program ended in a folder, code that it left running cannot use the folder: others use it under another name.
 */
export function watch(folder: WatchedFolder): () => Promise<void> {
  install();
  watched.add(folder);
  return async () => {
    if (!folder.ended) watched.delete(folder);
    await folder.settle();
  };
}

function watcherOf(file: unknown): WatchedFolder | undefined {
  if (typeof file !== "string") return undefined;
  return [...watched].find(({ root }) => file === root || file.startsWith(root + path.sep));
}

type Call = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/** Replaces a method with `wrap(original)`. */
function replace(target: object, name: string, wrap: (original: Call) => Call): void {
  const original: unknown = Reflect.get(target, name);
  if (typeof original !== "function") throw new Error(`there is no ${name}`);
  const call: Call = async function (...args) {
    const result: unknown = await Reflect.apply(original, this, args);
    return result;
  };
  Reflect.set(target, name, wrap(call));
}

const pathCalls = [
  ...["access", "appendFile", "chmod", "lstat", "mkdir", "opendir", "readFile", "readdir", "readlink", "realpath"],
  ...["rm", "rmdir", "stat", "truncate", "unlink", "utimes", "writeFile"],
];
/** Calls with two paths, of which the second is created. */
const targetCalls = ["rename", "copyFile", "link", "symlink", "cp"];
const handleCalls = [
  ...["appendFile", "chmod", "datasync", "read", "readFile", "stat", "sync", "truncate", "utimes", "write"],
  ...["writeFile", "writev"],
];

let installed = false;

function install(): void {
  if (installed) return;
  installed = true;
  for (const name of pathCalls) replace(fs, name, (original) => onPath(name, 0, original));
  for (const name of targetCalls) replace(fs, name, (original) => onPath(name, 1, original));
  replace(
    fs,
    "open",
    (original) =>
      async function (...args) {
        const watcher = watcherOf(args[0]);
        const file = String(args[0]);
        if (watcher === undefined) return original.apply(this, args);
        const open = async () => {
          const handle = await original.apply(this, args);
          if (isHandle(handle)) {
            patchHandles(Object.getPrototypeOf(handle));
            // Every handle has one of its own.
            replace(handle, "close", (own) => {
              watcher.handles.set(handle, own.bind(handle));
              return onHandle("close", own);
            });
            pathsOfHandles.set(handle, file);
          }
          return handle;
        };
        return watcher.call("open", file, { whole: open, half: open });
      },
  );
}

function isHandle(value: unknown): value is FileHandle {
  return typeof value === "object" && value !== null && "fd" in value && "close" in value;
}

function onPath(name: string, index: number, original: Call): Call {
  return async function (...args) {
    const watcher = watcherOf(args[index]) ?? watcherOf(args[0]);
    if (watcher === undefined) return original.apply(this, args);
    const file = String(args[index]);
    const whole = () => original.apply(this, args);
    return watcher.call(name, file, { whole, half: halfOf(name, file, args, original.bind(this), whole) });
  };
}

/** Does half of a call's work, if the call can do half. */
function halfOf(name: string, file: string, args: readonly unknown[], original: Call, whole: Call) {
  return async (): Promise<unknown> => {
    switch (name) {
      case "writeFile":
      case "appendFile":
        return original(args[0], firstHalf(args[1]), ...args.slice(2));
      case "readFile":
        return firstHalf(await whole());
      case "copyFile": {
        await whole();
        const { size } = await plain.stat(file);
        await plain.truncate(file, Math.floor(size / 2));
        return undefined;
      }
      default:
        return undefined;
    }
  };
}

/** Unwatched calls, taken before any is replaced. */
export const plain = { rename: fs.rename, stat: fs.stat, truncate: fs.truncate };

function firstHalf(data: unknown): unknown {
  if (typeof data === "string") return data.slice(0, Math.floor(data.length / 2));
  return data instanceof Uint8Array ? data.subarray(0, Math.floor(data.length / 2)) : data;
}

let handlesPatched = false;

function patchHandles(prototype: object): void {
  if (handlesPatched) return;
  handlesPatched = true;
  for (const name of handleCalls) replace(prototype, name, (original) => onHandle(name, original));
}

function onHandle(name: string, original: Call): Call {
  return async function (...args) {
    const file = typeof this === "object" && this !== null ? pathsOfHandles.get(this) : undefined;
    const watcher = watcherOf(file);
    const whole = () => original.apply(this, args);
    if (name === "close" && isHandle(this)) watcher?.handles.delete(this);
    if (watcher === undefined || file === undefined) return whole();
    const half = () => halfOfHandle(name, args, original.bind(this), whole);
    return watcher.call(`handle.${name}`, file, { whole, half });
  };
}

async function halfOfHandle(name: string, args: readonly unknown[], original: Call, whole: Call): Promise<unknown> {
  const [data] = args;
  switch (name) {
    case "writeFile":
    case "appendFile":
      return original(firstHalf(data), ...args.slice(1));
    case "read":
    case "write": {
      const { buffer, offset, length, position } = transferOf(args);
      return buffer === undefined ? whole() : original(buffer, offset, Math.ceil(length / 2), position);
    }
    case "readFile":
      return firstHalf(await whole());
    // A handle counts as closed even if closing fails.
    case "close":
      return whole();
    default:
      return undefined;
  }
}

/** The arguments of `read` and `write`, in any of their forms. */
function transferOf(args: readonly unknown[]) {
  const named = args.find((arg) => typeof arg === "object" && arg !== null && !(arg instanceof Uint8Array)) ?? {};
  const byName = (name: string, index: number): unknown => Reflect.get(named, name) ?? args[index];
  const buffer = byName("buffer", 0);
  if (!(buffer instanceof Uint8Array)) return { buffer: undefined, offset: 0, length: 0, position: null };
  const numberOr = (value: unknown, otherwise: number) => (typeof value === "number" ? value : otherwise);
  const offset = numberOr(byName("offset", 1), 0);
  const length = numberOr(byName("length", 2), buffer.length - offset);
  return { buffer, offset, length, position: byName("position", 3) ?? null };
}
