import assert from "node:assert/strict";
import path from "node:path";
import type { KvDtype } from "../../../src/common/kvDtypes";
import type {
  NativeAddon,
  NativeModel,
  NativeModelInfo,
  NativePool,
  NativeSampling,
  NativeTask,
  SampledToken,
  SequenceFailure,
  StepBatch,
  StepStats,
} from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";

/** Made by `npm run setup`; tests run at the top of the repository. */
export const stageRoot = path.resolve("native", "stage");

export const greedySampling: NativeSampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seedLow: 0,
  seedHigh: 0,
  biasIds: new Int32Array(0),
  biasValues: new Float32Array(0),
  recentIds: new Int32Array(0),
  answerIds: new Int32Array(0),
  answerCounts: new Int32Array(0),
  stopIds: new Int32Array(0),
  lookupIds: new Int32Array(0),
  logprobs: 0,
};

export interface Part {
  readonly tokens: readonly number[];
  readonly start?: number;
  readonly table: readonly number[];
  readonly want?: boolean;
  readonly sampling?: Partial<NativeSampling>;
}

export function makeBatch(parts: readonly Part[], steps = 1): StepBatch {
  return {
    tokens: Int32Array.from(parts.flatMap(({ tokens }) => tokens)),
    tokenCounts: Int32Array.from(parts, ({ tokens }) => tokens.length),
    starts: Int32Array.from(parts, ({ start = 0 }) => start),
    tables: Int32Array.from(parts.flatMap(({ table }) => table)),
    tableLengths: Int32Array.from(parts, ({ table }) => table.length),
    wantToken: Uint8Array.from(parts, ({ want = true }) => (want ? 1 : 0)),
    sampling: parts.map(({ sampling }) => ({ ...greedySampling, ...sampling })),
    steps,
  };
}

/**
 * A run of many sequences, in blocks from `firstBlock` on. It takes some tens of milliseconds, in which the host can
 * act; a step of one sequence takes only some microseconds.
 */
export function longRun(firstBlock: number): {
  readonly parts: readonly Part[];
  readonly steps: number;
  /** The first block after those of the run. */
  readonly endBlock: number;
} {
  const [sequences, blocks, steps] = [30, 28, 200];
  const parts = Array.from({ length: sequences }, (_, sequence) => ({
    tokens: [1],
    table: Array.from({ length: blocks }, (__, i) => firstBlock + sequence * blocks + i),
  }));
  return { parts, steps, endBlock: firstBlock + sequences * blocks };
}

/**
 * What tests compute on: the machine's own device, or what RESIDENT_DEVICE says. Our kernels compute on the CPU only: where
 * RESIDENT_OPS asks for them it is the CPU.
 */
function testDevice(): { readonly device?: "cpu" } {
  return process.env["RESIDENT_OPS"] === "cpu" ? { device: "cpu" } : {};
}

/** A GPU has no K and V in 8 bits. */
export const deviceFor = (kvDtype: KvDtype | undefined): { readonly device?: "cpu" } =>
  kvDtype === "q8" ? { device: "cpu" } : {};

/**
 * Ids that were computed in two ways. On a CPU they are the same in any batch and chunk. On a GPU MLX has other kernels for
 * other numbers of rows: a near tie goes either way, and so does what follows; how many there are stays.
 */
export function assertSameIds(
  { device }: Pick<NativeModelInfo, "device">,
  ids: readonly (readonly number[])[],
  expected: readonly (readonly number[])[],
): void {
  const seen = (all: readonly (readonly number[])[]) => (device === "cpu" ? all : all.map(({ length }) => length));
  assert.deepEqual(seen(ids), seen(expected));
}

/** How far logits that were computed in two ways may be apart. A GPU may multiply with fewer bits than f32 has. */
export const logitTolerance = ({ device }: Pick<NativeModelInfo, "device">, onCpu: number): number =>
  device === "cpu" ? onCpu : 2e-2;

/** The real addon with one model and a pool of blocks of 8 tokens. */
export class NativeRig {
  private constructor(
    readonly addon: NativeAddon,
    readonly model: NativeModel,
    readonly pool: NativePool,
  ) {}

  static async load(directory: string, blocks = 32): Promise<NativeRig> {
    const addon = loadAddon(stageRoot);
    const model = await addon.loadModel({ directory, ...testDevice() }, () => {}).result;
    return new NativeRig(addon, model, await model.createPool(blocks, 8));
  }

  /** Sampled ids by sequence. `onStep` gets the tokens of each step and may cancel. */
  async run(
    parts: readonly Part[],
    steps = 1,
    onStep: (tokens: readonly SampledToken[], task: NativeTask<StepStats>) => void = () => {},
  ): Promise<{
    readonly ids: readonly number[][];
    readonly stats: StepStats;
    readonly tokens: readonly SampledToken[];
    readonly failures: readonly SequenceFailure[];
  }> {
    const all: SampledToken[] = [];
    const failed: SequenceFailure[] = [];
    const task = this.pool.run(makeBatch(parts, steps), (tokens, failures) => {
      all.push(...tokens);
      failed.push(...failures);
      onStep(tokens, task);
    });
    const stats = await task.result;
    const ids = parts.map((_, i) => all.filter(({ sequence }) => sequence === i).map(({ id }) => id));
    return { ids, stats, tokens: all, failures: failed };
  }

  async dispose(): Promise<void> {
    await this.model.dispose();
  }
}
