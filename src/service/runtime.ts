import type { Event } from "../common/events";
import type { ModelRunner } from "../engine/ports";
import type { NativeAddon, NativeModelInfo, NativePool } from "../native/binding";
import type { RunFigures } from "../native/mlxRunner";

/** The device's side of the service: the real addon, or a fake one in tests. */
export interface Runtime {
  /** Loads the addon once. Throws ADDON_MISSING with what is missing and how to get it. */
  loadAddon(): NativeAddon;
  /** Another instance with a thread of its own, loaded once: what benchmarks do in it disturbs no answer. */
  loadBenchAddon(): NativeAddon;
  createRunner(pool: NativePool, info: NativeModelInfo): CountingRunner;
}

export interface CountingRunner extends ModelRunner {
  /** Slabs that MLX copied instead of updating in place, so far: 0 unless something is wrong. */
  readonly movedSlabs: number;
  /** Guessed tokens, and those of them that proved right. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** What each run took on the device. */
  readonly onRun: Event<RunFigures>;
}
