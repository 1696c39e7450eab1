import path from "node:path";
import type { KvDtype } from "../../../src/common/kvDtypes";
import { BlockPoolBatchEngine } from "../../../src/engine/batchEngine";
import { EngineDriver } from "../../../src/engine/driver";
import type { EngineOptions } from "../../../src/engine/engineOptions";
import type { Generation } from "../../../src/engine/generation";
import { greedy } from "../../../src/engine/ports";
import type { GenerationRequest } from "../../../src/engine/request";
import { readTextFiles } from "../../../src/models/modelDirectory";
import type { NativeAddon, NativeModel } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { MlxRunner } from "../../../src/native/mlxRunner";
import { createBlockHasher } from "../../../src/store/blockIdentity";
import { createTextModel, type TextModel } from "../../../src/text/textModel";
import { starterModel } from "../models/starterModel";
import { deviceFor } from "../native/nativeRig";

const blockTokens = 64;

/** The engine over the real addon and the starter model, greedy, with a driver. */
export class StarterRig {
  private salts = 0;

  private constructor(
    readonly addon: NativeAddon,
    private readonly model: NativeModel,
    readonly engine: BlockPoolBatchEngine,
    readonly runner: MlxRunner,
    private readonly driver: EngineDriver,
    private readonly text: TextModel,
  ) {}

  static async load(blocks: number, options: EngineOptions = {}, kvDtype?: KvDtype): Promise<StarterRig> {
    const addon = loadAddon(path.resolve("native", "stage"));
    const precision = kvDtype === undefined ? {} : { kvDtype, ...deviceFor(kvDtype) };
    const model = await addon.loadModel({ directory: starterModel, ...precision }, () => {}).result;
    const runner = new MlxRunner(await model.createPool(blocks, blockTokens), model.info);
    const hasher = createBlockHasher({ ...model.info, blockTokens });
    const clock = { nowMs: () => performance.now() };
    const engine = new BlockPoolBatchEngine(runner, hasher, clock, { checked: true, ...options });
    const driver = new EngineDriver(engine, { log: (_, message) => console.error(message) });
    return new StarterRig(addon, model, engine, runner, driver, createTextModel(await readTextFiles(starterModel)));
  }

  /** Ids of `text`, without a template. */
  encode(text: string): Int32Array {
    const { tokenizer } = this.text;
    return Int32Array.from([...tokenizer.leadingIds, ...tokenizer.encodeText(text)]);
  }

  decode(ids: readonly number[]): string {
    const answer = this.text.startAnswer([]);
    return ids.map((id) => answer.push(id).text).join("") + answer.finish().text;
  }

  submit(request: Partial<GenerationRequest> & Pick<GenerationRequest, "tokens">): Generation {
    return this.engine.submit({
      owner: "test",
      sampling: greedy,
      stopIds: this.text.stopIds,
      maxTokens: 8,
      ...request,
    });
  }

  /** The answer without any cache: no other request has this salt. */
  async cold(tokens: Int32Array, maxTokens: number): Promise<readonly number[]> {
    this.salts += 1;
    const { tokenIds, blocks } = await this.submit({ tokens, maxTokens, salt: `cold ${this.salts}` }).result;
    blocks.release();
    return tokenIds;
  }

  async dispose(): Promise<void> {
    this.driver.dispose();
    this.engine.dispose();
    await this.model.dispose();
  }
}

export function joined(...parts: readonly ArrayLike<number>[]): Int32Array {
  return Int32Array.from(parts.flatMap((part) => Array.from(part)));
}
