import type { AgentSummary, EngineState, ModelSummary, TurnFigures } from "../../../../src/protocol/service";

const gib = 1024 ** 3;

export const model: ModelSummary = {
  directory: "/models/qwen2.5-coder-3b-4bit",
  name: "Qwen2.5-Coder 3B, 4-bit",
  architecture: "qwen2",
  quantization: "4-bit",
  weightBytes: 1.74 * gib,
  contextTokens: 32_768,
  isStarter: false,
};

export const ready: EngineState = { type: "ready", model, device: "Metal", mlxVersion: "0.32.4" };

export function agent(index: number, name: string, change: Partial<AgentSummary> = {}): AgentSummary {
  return {
    id: `agent-${index}`,
    name,
    modelDirectory: model.directory,
    modelName: model.name,
    index,
    tier: "hot",
    state: "idle",
    tokens: 3425,
    hotTokens: 3425,
    diskTokens: 3295,
    diskBytes: 116 * 1024 ** 2,
    contextTokens: model.contextTokens,
    turnCount: 4,
    createdAt: 0,
    lastUsedAt: 0,
    pinned: false,
    lockedElsewhere: false,
    ...change,
  };
}

/** What answers it: nothing of it is read here. */
export const onServer: Partial<AgentSummary> = {
  server: { address: "http://studio.local:8000/v1", model: "Qwen3-235B-A22B-Instruct" },
  ...{ tier: "cold", tokens: 0, hotTokens: 0, diskTokens: 0, diskBytes: 0 },
};

export function figures(
  reused: number,
  prefilled: number,
  generated: number,
  change: Partial<TurnFigures> = {},
): TurnFigures {
  return {
    promptTokens: reused + prefilled,
    reusedTokens: reused,
    prefilledTokens: prefilled,
    generatedTokens: generated,
    ttftMs: 84,
    restoreMs: 0,
    decodeTokensPerSecond: 61,
    cache: { tier: "hot" },
    ...change,
  };
}
