import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import {
  foundChoice,
  isRepoName,
  othersChoice,
  suggestedChoice,
  variantChoice,
} from "../../../src/extension/models/hubChoices";
import type { HubModel, MemoryFit } from "../../../src/protocol/service";

const formats = createFormats("en");
const gb = 2 ** 30;
const fit: MemoryFit = {
  weightBytes: 4 * gb,
  tokens: 32_000,
  kvBytes: 2 * gb,
  totalBytes: 6 * gb,
  memoryBytes: 16 * gb,
  verdict: "fits",
};
const entry = { name: "maker/Model-4bit", family: "qwen3", licence: "apache-2.0", gated: false, downloads: 1204 };
const model: HubModel = {
  name: entry.name,
  revision: "main",
  commit: "c0ffee0",
  family: "qwen3",
  quantization: "4-bit",
  licence: "apache-2.0",
  gated: false,
  contextTokens: 40_960,
  usesTools: true,
  downloadBytes: 4 * gb,
  fit,
};

describe("the rows of Get Model", () => {
  it("say of a result what is known so far, then its size, context, tools and whether it fits", () => {
    assert.deepEqual(foundChoice(entry, undefined, formats), {
      name: "maker/Model-4bit",
      label: "$(cloud) maker/Model-4bit",
      description: "qwen3 · apache-2.0 · 1,204 downloads",
      detail: "Looking at its files…",
    });
    assert.deepEqual(foundChoice(entry, model, formats), {
      name: "maker/Model-4bit",
      label: "$(check) maker/Model-4bit",
      description: "qwen3 · 4-bit · tools · apache-2.0 · 1,204 downloads",
      detail: "fits: 6.00 GB with 32,000 tokens, of 16.0 GB · download 4.00 GB · context 40,960 tokens",
    });
  });

  it("cannot be chosen where a model cannot be used, and say why", () => {
    const refused = { code: "MODEL_UNSUPPORTED", what: "it needs experts", advice: "", facts: {} } as const;
    const choice = foundChoice({ ...entry, gated: true, licence: "" }, refused, formats);
    assert.equal(choice.name, undefined);
    assert.equal(choice.detail, "It needs experts.");
    assert.equal(choice.description, "qwen3 · no licence named · with conditions · 1,204 downloads");
  });

  it("can be chosen where a model cannot be had now, or not yet: the refusal says what to do", () => {
    for (const code of ["HUB_DENIED", "HUB_FAILURE"] as const) {
      const choice = foundChoice(entry, { code, what: "it is not to be had", advice: "wait", facts: {} }, formats);
      assert.deepEqual([choice.name, choice.detail], [entry.name, "It is not to be had."]);
    }
  });

  it("tell tight and too large by words and by a sign", () => {
    const tight = suggestedChoice(
      { name: "a/B", machineGB: 16, reason: "for code", fit: { ...fit, verdict: "tight" } },
      formats,
    );
    assert.deepEqual([tight.label, tight.detail], ["$(warning) B", "4.00 GB · for code"]);
    const no = variantChoice({ quantization: "F16", downloadBytes: gb, fit: { ...fit, verdict: "no" } }, formats);
    assert.deepEqual(
      [no.label, no.detail],
      ["$(circle-slash) F16", "does not fit: 6.00 GB with 32,000 tokens, of 16.0 GB"],
    );
  });

  it("name the families that are not loaded, with what is missing", () => {
    const others = [
      { family: "qwen3_5", count: 3, missing: "state layers" },
      { family: "bert", count: 1 },
    ];
    const row = othersChoice({ models: [], others }, formats);
    assert.equal(row?.name, undefined);
    assert.equal(row?.label, "$(circle-slash) 4 models of families that Resident does not load");
    assert.equal(row.detail, "3 × qwen3_5 (needs state layers), 1 × bert");
    assert.equal(othersChoice({ models: [], others: [] }, formats), undefined);
  });

  it("offer what is written when it can be a name", () => {
    for (const name of ["a/b", "a/b:main", " maker/Model-4bit "]) assert.ok(isRepoName(name), name);
    for (const words of ["qwen", "a b/c", "a/b/c"]) assert.ok(!isRepoName(words), words);
  });
});
