import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { chosenText, modelChoice } from "../../../src/extension/engine/modelChoices";
import type { ModelSummary } from "../../../src/protocol/service";

const formats = createFormats("en");
const model: ModelSummary = {
  directory: "/models/qwen",
  name: "Qwen",
  architecture: "qwen2",
  quantization: "4-bit",
  weightBytes: 2 ** 30,
  contextTokens: 32_768,
  isStarter: false,
};
const starter = { ...model, directory: "/models/starter", name: "Starter", isStarter: true };

describe("the list of models", () => {
  it("marks the one that new agents get", () => {
    assert.deepEqual(modelChoice(model, "/models/qwen ", formats), {
      label: "$(check) Qwen",
      description: "current · qwen2 · 4-bit · 1.00 GB · window 32,768 tokens",
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

  it("says why a model cannot be used", () => {
    const problem = { code: "MODEL_CORRUPT", what: "config.json is damaged", advice: "", facts: {} } as const;
    const { label, detail } = modelChoice({ ...model, problem }, model.directory, formats);
    assert.deepEqual([label, detail], ["$(warning) Qwen", "Config.json is damaged."]);
  });

  it("says afterwards whom the choice concerns", () => {
    assert.equal(chosenText(model), "New agents and Generate use Qwen. Existing agents keep their model.");
  });
});
