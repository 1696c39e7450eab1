import assert from "node:assert/strict";
import { largestThatFit, suggestedModels } from "../../../../src/models/hub/suggestedModels";
import { memoryFit } from "../../../../src/models/memoryFit";
import { readModelFacts } from "../../../../src/models/modelFacts";
import { refuseTooLarge, searchResult } from "../../../../src/service/hubDesk";
import { rejection } from "../../../support/models/folders";
import { fakeModel } from "../../../support/models/hub/hubRig";
import { tinyConfig } from "../../../support/models/tinyModel";

const gb = 2 ** 30;
const qwen3_8b = { numLayers: 36, numKvHeads: 8, headDim: 128, windows: [], contextTokens: 40_960 };

describe("What a model takes of the memory", () => {
  it("is its weights and the cache of 32,000 tokens in f16", () => {
    const fit = memoryFit(4_610_000_000, qwen3_8b, 16 * gb);
    assert.equal(fit.kvBytes, 32_000 * 2 * 36 * 8 * 128 * 2);
    assert.equal(fit.totalBytes, 4_610_000_000 + fit.kvBytes);
    assert.deepEqual([fit.tokens, fit.verdict], [32_000, "fits"]);
  });

  it("counts no more tokens than the context, and of layers with a window those of the window", () => {
    assert.equal(memoryFit(1, { ...qwen3_8b, contextTokens: 2000 }, gb).tokens, 2000);
    const half = Array.from({ length: 36 }, (_, layer) => (layer % 2 === 0 ? 1000 : 0));
    const { kvBytes } = memoryFit(1, { ...qwen3_8b, windows: half }, gb);
    assert.equal(kvBytes, (18 * 32_000 + 18 * 1000) * 2 * 8 * 128 * 2);
  });

  it("is tight where only a short conversation fits, and too much where not even that does", () => {
    const on = (memoryGB: number) => memoryFit(4_610_000_000, qwen3_8b, memoryGB * gb).verdict;
    assert.deepEqual([on(16), on(12), on(8), on(6), on(4)], ["fits", "fits", "tight", "tight", "no"]);
  });
});

describe("The built-in list of models", () => {
  it("has a model for every size of machine from 8 to 128 GB, which fits there, with its reason", () => {
    for (const machineGB of [8, 16, 24, 32, 48, 64, 96, 128]) {
      const here = suggestedModels(machineGB * gb).filter((model) => model.machineGB <= machineGB);
      assert.ok(
        here.some((model) => model.machineGB === machineGB),
        `${machineGB} GB`,
      );
      for (const { name, fit, reason } of here) {
        assert.equal(fit.verdict, "fits", `${name} on ${machineGB} GB`);
        assert.ok(reason.length > 10);
      }
    }
  });

  it("tells the three largest that fit when a model is larger than the memory", async () => {
    const names = largestThatFit(16 * gb, 3).map(({ name }) => name);
    assert.equal(names.length, 3);
    const { name } = fakeModel("maker/Huge-4bit");
    const entry = {
      name,
      architecture: "llama",
      downloads: 0,
      gated: false,
      licence: "",
      tags: [],
      commit: "0",
      files: [],
    };
    const plan = {
      repo: entry,
      revision: "main",
      family: "llama",
      quantization: "4-bit",
      shape: readModelFacts(tinyConfig),
      usesTools: undefined,
      weightBytes: 40 * gb,
      files: [],
      downloadBytes: 40 * gb,
      variants: undefined,
    };
    const refused = async () => refuseTooLarge(plan, 16 * gb);
    const { advice } = await rejection(
      refused(),
      "OUT_OF_MEMORY",
      /Huge-4bit has 40\.0 GB of weights and this machine has 16\.0 GB of memory/,
    );
    for (const fitting of names) assert.ok(advice.includes(fitting), advice);
    refuseTooLarge({ ...plan, weightBytes: 4 * gb }, 16 * gb);
  });
});

describe("A search", () => {
  it("offers what is loaded, and counts the rest by family with what is missing", () => {
    const entry = (name: string, architecture: string, tags: readonly string[] = []) => {
      return { name, architecture, tags, downloads: 1, gated: false, licence: "mit" };
    };
    const found = [
      entry("a/one", "qwen3"),
      entry("a/two", "qwen3_5"),
      entry("a/three", "qwen3_5"),
      entry("a/four", "bert"),
      entry("a/five-GGUF", "", ["gguf"]),
      entry("a/six", ""),
      entry("a/seven", "mistral3"),
      entry("a/eight", "constructor"),
    ];
    const { models, others } = searchResult(found);
    assert.deepEqual(
      models.map(({ name, family }) => [name, family]),
      [
        ["a/one", "qwen3"],
        ["a/five-GGUF", "GGUF"],
        ["a/seven", "mistral3"],
      ],
    );
    assert.deepEqual(others, [
      { family: "qwen3_5", count: 2, missing: "state layers" },
      { family: "bert", count: 1 },
      { family: "other kinds", count: 1 },
      { family: "constructor", count: 1 },
    ]);
  });
});
