import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Memory that this process costs now (`NativeAddon.footprintBytes`). */
export type FootprintReader = () => number;

/**
 * Memory of this process after a garbage collection. V8 may keep garbage for minutes, which would look like memory that
 * the process still needs.
 */
export function residentBytes(footprintBytes: FootprintReader): number {
  collect ??= garbageCollector();
  collect();
  return footprintBytes();
}

/** V8 offers it only with this flag; a flag that is set later takes effect in a new context. */
function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
