import assert from "node:assert/strict";
import { createFormats } from "../../../../src/common/format";
import { modelId, modelInformation } from "../../../../src/extension/languageModels/modelInformation";
import type { ChatModel, ListedModel } from "../../../../src/protocol/service";

const formats = createFormats("en");

const model: ChatModel = {
  directory: "/models/qwen",
  name: "Qwen2.5-Coder 3B",
  family: "qwen2",
  maxInputTokens: 24_576,
  maxOutputTokens: 8_192,
  takesTools: true,
};

const listed: ListedModel = {
  directory: "/models/qwen",
  name: "Qwen2.5-Coder 3B",
  architecture: "qwen2",
  quantization: "4-bit",
  weightBytes: 1.74 * 2 ** 30,
  contextTokens: 32_768,
  isStarter: false,
  source: "downloaded",
  isLoaded: false,
  isDeletable: true,
  fit: {
    weightBytes: 1.74 * 2 ** 30,
    tokens: 32_000,
    kvBytes: 1.1 * 2 ** 30,
    totalBytes: 2.84 * 2 ** 30,
    memoryBytes: 16 * 2 ** 30,
    verdict: "fits",
  },
};

describe("a model in the chat's list", () => {
  it("has its exact limits, its size and what memory it takes", () => {
    const { id, tooltip = "", ...rest } = modelInformation(model, { listed }, formats);
    assert.deepEqual(rest, {
      name: "Qwen2.5-Coder 3B",
      family: "qwen2",
      version: "4-bit",
      maxInputTokens: 24_576,
      maxOutputTokens: 8_192,
      detail: "4-bit · 1.74 GB",
      capabilities: { imageInput: false, toolCalling: true },
      isUserSelectable: true,
    });
    assert.match(id, /^resident-qwen2\.5-coder-3b-[0-9a-f]{8}$/);
    assert.match(tooltip, /room for 24,576 tokens, and 8,192 for its answer/);
    assert.match(tooltip, /fits: 2\.84 GB with 32,000 tokens, of 16\.0 GB/);
  });

  it("has an id that tells it from a model of the same name, and stays the same", () => {
    const other = { ...model, directory: "/elsewhere/qwen" };
    assert.notEqual(modelId(model), modelId(other));
    assert.equal(modelId(model), modelId({ ...model }));
    assert.match(modelId({ name: "模型/ä", directory: "/m" }), /^resident-[-a-z0-9.]*-[0-9a-f]{8}$/);
  });

  it("is not offered to agents where their instructions cannot fit, and says both numbers and what to raise", () => {
    const small = modelInformation({ ...model, maxInputTokens: 15_999 }, { listed }, formats);
    assert.equal(small.capabilities.toolCalling, false);
    assert.match(small.tooltip ?? "", /16,000 tokens.*15,999 tokens.*resident\.pool\.sizeMB/);
    assert.equal(
      modelInformation({ ...model, maxInputTokens: 16_000 }, { listed }, formats).capabilities.toolCalling,
      true,
    );
  });

  it("says why it takes no tools", () => {
    const without = { ...model, takesTools: false, whyNoTools: "its template knows none" };
    const { capabilities, tooltip = "" } = modelInformation(without, {}, formats);
    assert.equal(capabilities.toolCalling, false);
    assert.match(tooltip, /Not for agents: Its template knows none\./);
  });

  it("lets a person choose how it thinks, where its template asks", () => {
    const thinking = modelInformation(model, { thinkingChoices: ["on", "off"] }, formats).configurationSchema
      ?.properties["thinking"];
    assert.deepEqual(thinking?.enum, ["own", "on", "off"]);
    assert.deepEqual(thinking?.enumItemLabels, ["The Model's Own", "On", "Off"]);
    assert.equal(thinking?.default, "own");
    assert.equal(modelInformation(model, { thinkingChoices: [] }, formats).configurationSchema, undefined);
  });
});
