import path from "node:path";
import type { ModelSession } from "../agents/ports";
import { chatLimits } from "../agents/threads/threadLimits";
import { toErrorInfo } from "../common/errors";
import type { NativeAddon } from "../native/binding";
import type { ChatModel, ListedModel, MemoryFit, ServiceOptions, TemplateFacts } from "../protocol/service";
import { automaticPoolBytes } from "./automaticPool";
import { freeMemoryBytes } from "./machineMemory";
import type { LoadedModel } from "./modelHost";

export interface ChatModelsPorts {
  readonly options: Pick<ServiceOptions, "poolBytes" | "blockTokens">;
  readonly listModels: () => Promise<readonly ListedModel[]>;
  readonly templateFacts: (directory: string) => Promise<TemplateFacts>;
  readonly loaded: () => LoadedModel | undefined;
  /** Asked only while a model is loaded: a list alone loads no native code. */
  readonly addon: () => NativeAddon;
}

/** The models that can answer other programs, with what their requests may have. */
export class ChatModels {
  constructor(private readonly ports: ChatModelsPorts) {}

  /** Exact for the loaded model; for others what their load would give at this moment. */
  async list(): Promise<readonly ChatModel[]> {
    const { listModels, loaded } = this.ports;
    const offered: ChatModel[] = [];
    let freeBytes: number | undefined;
    for (const model of await listModels()) {
      const { directory, problem, fit } = model;
      if (problem !== undefined || fit === undefined) continue;
      const now = loaded();
      const isLoaded = now !== undefined && path.resolve(now.session.directory) === path.resolve(directory);
      if (!isLoaded && fit.verdict === "no") continue;
      freeBytes ??= isLoaded ? undefined : await this.freeBytes();
      const tokens = isLoaded ? tokensOf(now.session) : this.tokensAfterLoad(model, fit, freeBytes ?? 0);
      const described = await this.describe(model, tokens);
      if (described !== undefined) offered.push(described);
    }
    return offered;
  }

  /** `undefined`: the model is not made for conversations. */
  private async describe(
    { directory, name, architecture: family }: ListedModel,
    tokens: number,
  ): Promise<ChatModel | undefined> {
    const common = { directory, name, family, ...chatLimits(tokens) };
    try {
      const { hasChatTemplate, takesTools } = await this.ports.templateFacts(directory);
      if (!hasChatTemplate) return undefined;
      if (takesTools) return { ...common, takesTools };
      return { ...common, takesTools: false, whyNoTools: "the model's chat template has no place for tools" };
    } catch (error) {
      return { ...common, takesTools: false, whyNoTools: toErrorInfo(error).what };
    }
  }

  private tokensAfterLoad({ contextTokens }: ListedModel, fit: MemoryFit, freeBytes: number): number {
    const { poolBytes, blockTokens } = this.ports.options;
    const kvBytesPerToken = fit.kvBytes / Math.max(1, fit.tokens);
    const size = { kvBytesPerToken, maxContextTokens: contextTokens };
    const bytes = poolBytes ?? automaticPoolBytes(size, Math.max(0, freeBytes - fit.weightBytes));
    const blocks = Math.floor(bytes / (kvBytesPerToken * blockTokens));
    return Math.min(contextTokens, blocks * blockTokens);
  }

  /** Free memory as it would be without a loaded model. */
  private async freeBytes(): Promise<number> {
    const { addon, loaded } = this.ports;
    const now = loaded();
    if (now === undefined) return freeMemoryBytes();
    const { availableBytes } = await addon().deviceInfo();
    return availableBytes + now.info.weightBytes + now.pool.bytes;
  }
}

function tokensOf({ contextTokens, engine: { pool } }: ModelSession): number {
  return Math.min(contextTokens, pool.totalBlocks * pool.blockTokens);
}
