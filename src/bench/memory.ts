import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/**
 * Resident memory of this process without garbage. V8 lets garbage pile up for minutes before it collects all of it: what
 * a process keeps cannot be told from what it has not swept up yet.
 */
export function residentBytes(): number {
  collect ??= garbageCollector();
  collect();
  return process.memoryUsage().rss;
}

/** Nobody has it but who starts V8 with this flag, or sets it later and makes a new context. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
