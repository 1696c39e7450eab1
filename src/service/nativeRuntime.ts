import path from "node:path";
import type { NativeAddon } from "../native/binding";
import { loadAddon } from "../native/loader";
import { MlxRunner } from "../native/mlxRunner";
import type { Runtime } from "./runtime";

/**
 * The real device: the addon of this platform from `stage`, loaded once and kept; a failed load is tried again on the
 * next call.
 */
export function nativeRuntime(stage: string): Runtime {
  let addon: NativeAddon | undefined;
  let benchAddon: NativeAddon | undefined;
  return {
    loadAddon: () => {
      addon ??= loadAddon(path.dirname(stage));
      return addon;
    },
    loadBenchAddon: () => {
      benchAddon ??= loadAddon(path.dirname(stage));
      return benchAddon;
    },
    createRunner: (pool, info, grammars) => new MlxRunner(pool, info, grammars),
  };
}
