import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { samplingRanges } from "../../../src/common/samplingRanges";
import type { NativeAddon, NativeModel, NativeModelInfo, NativePool } from "../../../src/native/binding";
import type { CountingRunner, Runtime } from "../../../src/service/runtime";
import { FakeRunner } from "../engine/fakeRunner";
import { writeTinyModel } from "../models/tinyModel";
import { checkFakeBlockFile, FakeBlockFiles } from "../store/fakeBlockFiles";
import { FakeLocks } from "../store/fakes";
import { byteLevelTokenizer } from "../text/tinyTokenizers";

const template =
  "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** A model directory with real text files and weights that are never read. */
export function writeFakeModel(directory: string): Promise<string> {
  return writeTinyModel(directory, {
    "tokenizer.json": JSON.stringify(byteLevelTokenizer()),
    "tokenizer_config.json": JSON.stringify({ chat_template: template }),
  });
}

/** A fake device: loads any directory, computes with the fake runner, keeps real block files. */
export class FakeRuntime implements Runtime {
  /** Loaded directories, and freed ones with a minus before them, in order. */
  readonly history: string[] = [];
  /** The extended attributes that were set, in order. */
  readonly attributes: { readonly file: string; readonly name: string }[] = [];
  /** Thrown by `loadAddon` while set. */
  addonError: ResidentError | undefined;
  /** Awaited by every load. */
  beforeLoad: () => Promise<void> = async () => {};
  device: "cpu" | "gpu" = "cpu";
  /** Free memory in bytes: larger pools are refused. */
  availableBytes = 2 ** 40;
  /** Of the whole machine. */
  memoryBytes = 2 ** 40;
  private readonly runners = new WeakMap<NativePool, FakeRunner>();
  private readonly locks;
  lastRunner: FakeRunner | undefined;

  constructor(locks = new FakeLocks()) {
    this.locks = locks.process();
  }

  loadAddon(): NativeAddon {
    if (this.addonError !== undefined) throw this.addonError;
    return {
      versions: () => ({ addon: "0.0.0", mlx: "0.0.0", platform: "fake", sanitizer: "" }),
      samplingRanges: () => samplingRanges,
      deviceInfo: async () => ({
        device: this.device,
        name: "fake device",
        gpuAvailable: this.device === "gpu",
        memoryBytes: this.memoryBytes,
        availableBytes: this.availableBytes,
        mlxActiveBytes: 0,
        mlxCacheBytes: 0,
      }),
      readBandwidth: async () => 1,
      samplingMs: async () => 1,
      loadModel: ({ directory }, onProgress) => {
        let cancelled = false;
        const result = this.beforeLoad().then(() => {
          if (cancelled) throw new ResidentError("ABORTED", "the load was cancelled", "load it again");
          onProgress({ bytesRead: 1, bytesTotal: 1 });
          return this.model(directory);
        });
        return {
          result,
          cancel: () => {
            cancelled = true;
          },
        };
      },
      footprintBytes: () => process.memoryUsage().rss,
      weightsId: async () => undefined,
      createBarePool: () => Promise.reject(new Error("the fake device has no bare pools")),
      checkBlockFile: checkFakeBlockFile,
      syncFile: () => Promise.resolve(),
      setAttribute: (file, name) => {
        this.attributes.push({ file, name });
      },
      tryLock: (file) => this.locks.tryLock(file),
    };
  }

  loadBenchAddon(): NativeAddon {
    return this.loadAddon();
  }

  createRunner(pool: NativePool): CountingRunner {
    const runner = this.runners.get(pool);
    if (runner === undefined) throw new Error("a pool of another device");
    const { geometry } = runner;
    return {
      geometry,
      movedSlabs: 0,
      draftedTokens: 0,
      acceptedTokens: 0,
      onRun: () => ({ dispose: () => undefined }),
      run: (sequences, options) => runner.run(sequences, options),
      copyBlock: (from, to, tokens) => runner.copyBlock(from, to, tokens),
    };
  }

  private model(directory: string): NativeModel {
    this.history.push(path.basename(directory));
    const info: NativeModelInfo = {
      architecture: "llama",
      numLayers: 2,
      numHeads: 4,
      numKvHeads: 2,
      headDim: 8,
      vocabSize: 271,
      maxContextTokens: 512,
      weightBytes: 1,
      stepWeightBytes: 1,
      kvDtype: "f32",
      kvBytesPerToken: 64,
      weightsId: path.basename(directory),
      architectureId: "{}",
      kvLayoutId: "fake-1",
      numericsId: "fake-1",
      device: this.device,
      ops: "mlx",
    };
    return {
      info,
      createPool: async (blocks, blockTokens) => {
        const neededBytes = blocks * blockTokens * info.kvBytesPerToken;
        const { availableBytes } = this;
        if (neededBytes <= availableBytes) return this.pool(blocks, blockTokens, info);
        throw new ResidentError("OUT_OF_MEMORY", "the pool is too large", "make it smaller", {
          neededBytes,
          availableBytes,
        });
      },
      createVocabulary: () => Promise.reject(new Error("the fake device has no grammars")),
      compileGrammar: () => Promise.reject(new Error("the fake device has no grammars")),
      dispose: async () => {
        this.history.push(`-${path.basename(directory)}`);
      },
    };
  }

  private pool(blocks: number, blockTokens: number, info: NativeModelInfo): NativePool {
    const { maxContextTokens, vocabSize } = info;
    const runner = new FakeRunner({ totalBlocks: blocks, blockTokens, maxContextTokens, vocabSize });
    const files = new FakeBlockFiles(blockTokens, {
      get: (block) => runner.contentsOf(block),
      set: (block, contents) => runner.setContents(block, contents),
    });
    const pool: NativePool = {
      blocks,
      blockTokens,
      bytes: blocks * blockTokens * info.kvBytesPerToken,
      run: () => {
        throw new Error("the fake pool is run by its runner");
      },
      copyBlock: (from, to, tokens) => runner.copyBlock(from, to, tokens),
      writeBlockFile: (request) => files.writeBlockFile(request),
      readBlockFile: (request) => files.readBlockFile(request),
      logits: async () => new Float32Array(vocabSize),
      dispose: async () => {},
    };
    this.runners.set(pool, runner);
    this.lastRunner = runner;
    return pool;
  }
}
