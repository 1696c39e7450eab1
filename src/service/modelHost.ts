import type { ModelSession } from "../agents/ports";
import { toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import { BlockPoolBatchEngine } from "../engine/batchEngine";
import { EngineDriver } from "../engine/driver";
import { type EngineLimits, type EngineOptions, limitsOf, longestRun } from "../engine/engineOptions";
import type { LeftBlock } from "../engine/liveTables";
import type { Clock } from "../engine/ports";
import { modelSampling } from "../models/knownSampling";
import { readTextFiles, summarizeModel } from "../models/modelDirectory";
import { modelNameOf } from "../models/modelName";
import type { DeviceInfo, NativeAddon, NativeModel, NativeModelInfo, NativePool } from "../native/binding";
import { NativeGrammars } from "../native/grammars";
import type { EngineState, ModelSummary, PoolReduction, ServiceOptions } from "../protocol/service";
import { type BlockIdentity, createBlockHasher } from "../store/blockIdentity";
import { answerWords } from "../text/answerWords";
import { createTextModel } from "../text/textModel";
import { automaticPoolBytes, leastPoolBytes } from "./automaticPool";
import { createFittingPool, type FittingPool, poolReductionText } from "./fittingPool";
import type { ModelLoader } from "./modelGate";
import { type PoolSize, poolSizeFor } from "./poolSize";
import type { CountingRunner, Runtime } from "./runtime";
import { tooLarge } from "./tooLarge";
import { warmUp } from "./warmUp";

/** A loaded model with its text model, engine, driver and block pool. */
export interface LoadedModel {
  readonly summary: ModelSummary;
  readonly info: NativeModelInfo;
  readonly session: ModelSession;
  readonly driver: EngineDriver;
  readonly native: NativeModel;
  readonly pool: NativePool;
  /** Present when the pool is smaller than requested. */
  readonly poolReduced?: PoolReduction;
  readonly runner: CountingRunner;
}

export interface ModelHostOptions {
  readonly service: ServiceOptions;
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  readonly onState: (state: EngineState) => void;
  /** Saves and releases all caches; called before the model is freed. */
  readonly beforeUnload: () => Promise<void>;
  /** Saves a block that has left its window; the block is kept until the promise settles. */
  readonly onWindowLeft: (session: ModelSession, left: LeftBlock) => Promise<void> | undefined;
  /** Called when the device failed: the model must be loaded again before it is used. */
  readonly onBroken: (model: LoadedModel) => void;
}

/** Loads and frees models: weights, block pool, engine, text. Reports its progress as the engine's state. */
export class ModelHost implements ModelLoader<LoadedModel> {
  private currentState: EngineState = { type: "idle" };

  constructor(private readonly options: ModelHostOptions) {}

  get state(): EngineState {
    return this.currentState;
  }

  /** Clears the failure of the last load, after another model was chosen. */
  forgetFailure(): void {
    const { type } = this.currentState;
    if (type === "noModel" || type === "failed") this.currentState = { type: "idle" };
  }

  /** Loads the addon if it is not loaded. Throws ADDON_MISSING, and then sets it as the engine's state too. */
  addon(): NativeAddon {
    try {
      return this.options.runtime.loadAddon();
    } catch (error) {
      this.setState(stateAfter(error, undefined));
      throw error;
    }
  }

  async load(directory: string, signal: AbortSignal | undefined): Promise<LoadedModel> {
    const { service, log } = this.options;
    const name = modelNameOf(directory);
    try {
      const summary = await summarizeModel(directory, { starterModel: service.starterModel });
      const addon = this.addon();
      const { memoryBytes } = await addon.deviceInfo();
      if (summary.weightBytes > memoryBytes) throw tooLarge(name, summary.weightBytes, memoryBytes);
      this.setState({ type: "loading", model: name, done: 0, total: summary.weightBytes });
      const { threads = 0, kvDtype } = service;
      const precision = kvDtype === undefined ? {} : { kvDtype };
      const task = addon.loadModel(
        { directory, threads, ...precision, home: service.home },
        ({ bytesRead, bytesTotal }) =>
          this.setState({ type: "loading", model: name, done: bytesRead, total: bytesTotal }),
      );
      const cancel = () => task.cancel();
      signal?.addEventListener("abort", cancel);
      if (signal?.aborted) cancel();
      const native = await task.result.finally(() => signal?.removeEventListener("abort", cancel));
      try {
        const device = await addon.deviceInfo();
        const model = await this.assemble(summary, native, device.availableBytes);
        if (native.info.device === "gpu") await warmUp(model.runner);
        log.log("info", `${name} is loaded on ${device.name}, ${opsText(native.info)}, ${model.pool.blocks} blocks`);
        const { mlx } = addon.versions();
        this.setState({ type: "ready", model: summary, device: deviceText(device), mlxVersion: mlx });
        return model;
      } catch (error) {
        await native.dispose();
        throw error;
      }
    } catch (error) {
      this.setState(stateAfter(error, signal));
      throw error;
    }
  }

  async unload(model: LoadedModel): Promise<void> {
    const { engine } = model.session;
    // Every part runs, even after one has failed: no other model can be loaded before this one is freed.
    const parts: readonly (() => void | Promise<void>)[] = [
      () => this.options.beforeUnload(),
      () => engine.abortAll(),
      () => model.driver.dispose(),
      () => engine.dispose(),
      () => model.native.dispose(),
    ];
    for (const part of parts) {
      try {
        await part();
      } catch (error) {
        this.options.log.log("error", `${model.summary.name} did not end cleanly: ${toErrorInfo(error).what}`);
      }
    }
    this.setState({ type: "idle" });
  }

  /** `availableBytes`: free memory once the weights are loaded. */
  private async assemble(summary: ModelSummary, native: NativeModel, availableBytes: number): Promise<LoadedModel> {
    const { service, runtime, clock, log, onWindowLeft, onBroken } = this.options;
    const { info } = native;
    const files = await readTextFiles(summary.directory);
    const text = createTextModel(files);
    const limits = limitsOf({
      ...engineLimits(info),
      lookupTokensPerRun: service.promptLookup === false ? 0 : lookupTokensPerRun,
    });
    const { pool, size, reduced } = await this.createPool(native, limits, availableBytes);
    const grammars = new NativeGrammars(native, () => answerWords(text.tokenizer, info.vocabSize));
    const runner = runtime.createRunner(pool, info, grammars);
    const identity = identityOf(info, service.blockTokens, size);
    let session: ModelSession | undefined;
    const engine = new BlockPoolBatchEngine(runner, createBlockHasher(identity), clock, {
      ...limits,
      log,
      onBroken: () => onBroken(model),
      onWindowLeft: (left) => (session === undefined ? undefined : onWindowLeft(session, left)),
    });
    session = {
      directory: summary.directory,
      name: summary.name,
      contextTokens: info.maxContextTokens,
      identity,
      engine,
      files: pool,
      text,
      ...(runner.compileGrammar === undefined ? {} : { compileGrammar: runner.compileGrammar.bind(runner) }),
      sampling: modelSampling(files.generationConfig, info.weightsId),
    };
    const model: LoadedModel = {
      summary,
      info,
      session,
      driver: new EngineDriver(engine, log),
      native,
      pool,
      ...(reduced === undefined ? {} : { poolReduced: reduced }),
      runner,
    };
    return model;
  }

  private async createPool(native: NativeModel, limits: EngineLimits, availableBytes: number): Promise<FittingPool> {
    const { service, log } = this.options;
    const { info } = native;
    const { blockTokens } = service;
    const made = await createFittingPool({
      wantedBytes: service.poolBytes ?? automaticPoolBytes(info, availableBytes),
      leastBytes: leastPoolBytes(info),
      kvBytesPerToken: info.kvBytesPerToken,
      sizeOf: (poolBytes) =>
        poolSizeFor({ poolBytes, blockTokens }, info, { ...limits, stepTokens: longestRun(limits) }),
      create: ({ blocks, windowBlocks }) => native.createPool(blocks, blockTokens, windowBlocks),
    });
    if (made.reduced !== undefined) log.log("warn", poolReductionText(made.reduced, made.pool.bytes));
    return made;
  }

  private setState(state: EngineState): void {
    this.currentState = state;
    this.options.onState(state);
  }
}

function identityOf(info: NativeModelInfo, blockTokens: number, { windowBlocks }: PoolSize): BlockIdentity {
  const { weightsId, architectureId, kvDtype, numericsId } = info;
  const kvLayoutId = windowBlocks === 0 ? info.kvLayoutId : `${info.kvLayoutId}, windows apart`;
  return { weightsId, architectureId, kvDtype, blockTokens, kvLayoutId, numericsId };
}

/** Tokens that a request decodes in one run when it runs alone; a new request ends such a run early. */
const lookupTokensPerRun = 32;

/**
 * Most decode steps that the device does without the host, so that answers continue while other code blocks the host's
 * event loop. A run that ends in the meantime waits for the loop. Therefore a run is longer than a usual blockage: 128
 * steps of 3 ms are about twice 200 ms. A stop or a new request still ends a run after the current step, and a run has
 * fewer steps when blocks are scarce.
 */
const maxStepsPerRun = 128;

/** Rows times weight bytes that the CPU kernels process in a step of about a third of a second. */
const cpuStepBytes = 30e9;

/**
 * Rows of a step on a GPU, by its measured speed: fewer make poor use of it, more gain nothing. A pool with window blocks has
 * room for the steps that it was made for.
 */
const gpuRows = { least: 64, most: 2048 };

/**
 * How much one step computes. A stop or a new request is handled between steps, so a step must be short: MLX's
 * operations on a CPU prefill about 15 tokens per second with any chunk size; our kernels take as many rows as the
 * model's size allows.
 */
function engineLimits({ device, ops, weightBytes, window }: NativeModelInfo): EngineOptions {
  if (device === "gpu") {
    const tokenBudget = 512;
    const most = window === undefined ? gpuRows.most : tokenBudget;
    return { tokenBudget, prefillChunkTokens: 256, maxStepsPerRun, measuredRows: { ...gpuRows, most } };
  }
  if (ops === "mlx") return { tokenBudget: 32, prefillChunkTokens: 16, maxStepsPerRun: 4 };
  const rows = Math.min(256, Math.max(32, Math.floor(cpuStepBytes / Math.max(1, weightBytes) / 32) * 32));
  return { tokenBudget: rows, prefillChunkTokens: Math.max(16, rows / 4), maxStepsPerRun };
}

/** The operations in use, as a text. */
export function opsText({ ops, cpuLevel, cpuThreads }: NativeModelInfo): string {
  return ops === "mlx" ? "MLX's operations" : `CPU kernels at ${cpuLevel} on ${cpuThreads} threads`;
}

function deviceText({ device, name }: DeviceInfo): string {
  return device === "gpu" ? `${name} (GPU)` : `${name} (CPU)`;
}

function stateAfter(error: unknown, signal: AbortSignal | undefined): EngineState {
  const info = toErrorInfo(error);
  if (signal?.aborted) return { type: "idle" };
  if (info.code === "ADDON_MISSING") return { type: "addonMissing", error: info };
  if (info.code === "MODEL_NOT_FOUND") return { type: "noModel", error: info };
  return { type: "failed", error: info };
}
