import type { Event } from "../common/events";
import type { ModelRunner } from "../engine/ports";
import type { NativeAddon, NativeModelInfo, NativePool } from "../native/binding";
import type { NativeGrammars } from "../native/grammars";
import type { RunFigures } from "../native/mlxRunner";

/** The device that the service uses: the real addon, or a fake one in tests. */
export interface Runtime {
  /** Loads the addon once. Throws ADDON_MISSING with what is missing and how to get it. */
  loadAddon(): NativeAddon;
  /** Another instance with a thread of its own, loaded once: benchmarks that use it disturb no answer. */
  loadBenchAddon(): NativeAddon;
  /** `grammars`: those of the pool's model. */
  createRunner(pool: NativePool, info: NativeModelInfo, grammars: NativeGrammars): CountingRunner;
}

export interface CountingRunner extends ModelRunner {
  /** Slabs that MLX copied instead of updating in place, so far: 0 unless something is wrong. */
  readonly movedSlabs: number;
  /** Guessed tokens, and how many of them were right. */
  readonly draftedTokens: number;
  readonly acceptedTokens: number;
  /** Fires after each run with its figures. */
  readonly onRun: Event<RunFigures>;
}
