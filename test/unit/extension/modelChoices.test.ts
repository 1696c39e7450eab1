import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { chosenText, modelChoice } from "../../../src/extension/engine/modelChoices";
import type { ListedModel } from "../../../src/protocol/service";

const formats = createFormats("en");
const model: ListedModel = {
  directory: "/models/qwen",
  name: "Qwen",
  architecture: "qwen2",
  quantization: "4-bit",
  weightBytes: 2 ** 30,
  contextTokens: 32_768,
  isStarter: false,
  source: "folder",
  isLoaded: false,
  isDeletable: false,
};
const starter: ListedModel = {
  ...model,
  directory: "/models/starter",
  name: "Starter",
  isStarter: true,
  source: "starter",
};
const fit = {
  weightBytes: 2 ** 30,
  tokens: 32_000,
  kvBytes: 2 ** 30,
  totalBytes: 2 ** 31,
  memoryBytes: 2 ** 33,
  verdict: "fits",
} as const;

describe("the list of models", () => {
  it("marks the one that new agents get", () => {
    assert.deepEqual(modelChoice(model, "/models/qwen ", formats), {
      label: "$(check) Qwen",
      description: "current · qwen2 · 4-bit · 1.00 GB · window 32,768 tokens · from your folders",
      detail: "/models/qwen",
    });
    assert.equal(modelChoice(starter, "/models/qwen", formats).label, "Starter");
  });

  it("marks the starter model while nothing is chosen", () => {
    for (const chosen of [undefined, "", " "]) {
      assert.equal(modelChoice(starter, chosen, formats).label, "$(check) Starter");
      assert.equal(modelChoice(model, chosen, formats).label, "Qwen");
    }
  });

  it("says what is loaded, what fits, and whose a model is", () => {
    const found = { ...model, source: "found", program: "LM Studio", isLoaded: true, fit } as const;
    const { description, detail } = modelChoice(found, "", formats);
    assert.match(description, /^loaded · .* · of LM Studio$/);
    assert.equal(detail, "fits: 2.00 GB with 32,000 tokens, of 8.00 GB · /models/qwen");
  });

  it("says why a model cannot be used", () => {
    const problem = { code: "MODEL_CORRUPT", what: "config.json is damaged", advice: "", facts: {} } as const;
    const { label, detail } = modelChoice({ ...model, problem }, model.directory, formats);
    assert.deepEqual([label, detail], ["$(warning) Qwen", "Config.json is damaged."]);
  });

  it("says afterwards whom the choice concerns", () => {
    assert.equal(chosenText(model), "New agents and Generate use Qwen. Existing agents keep their model.");
  });
});
