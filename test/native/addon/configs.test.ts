import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { inspectModel } from "../../../src/models/modelDirectory";
import { readModelFacts } from "../../../src/models/modelFacts";
import type { NativeAddon } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { configCases } from "../../support/models/configCases";
import { temporaryFolder } from "../../support/models/folders";
import { zeroSafetensors } from "../../support/models/safetensors";
import { tinyTensors, writeTinyModel } from "../../support/models/tinyModel";
import { stageRoot } from "../../support/native/nativeRig";

/** The folders have no weights: a config that is accepted fails with them. */
describe("What config.json asks for", () => {
  const folder = temporaryFolder();
  let addon: NativeAddon;
  before(() => {
    addon = loadAddon(stageRoot);
  });

  it("is judged by the loader as by `models inspect`, in the same words and before weights are looked for", async () => {
    for (const [index, { name, config, unsupported }] of configCases.entries()) {
      const directory = path.join(folder.path, `${index}`);
      await mkdir(directory);
      await writeFile(path.join(directory, "config.json"), JSON.stringify(config));
      const loaded = await failure(() => addon.loadModel({ directory, device: "cpu" }, () => {}).result);
      const inspected = await failure(async () => readModelFacts(config));
      if (unsupported === undefined) {
        assert.equal(inspected, undefined, name);
        assert.equal(loaded?.code, "MODEL_INCOMPLETE", `${name}: ${loaded?.message}`);
        continue;
      }
      assert.equal(loaded?.code, "MODEL_UNSUPPORTED", name);
      assert.equal(loaded.what, inspected?.what, name);
      assert.deepEqual(loaded.facts, inspected?.facts, name);
      assert.equal(loaded.facts["unsupported"], unsupported, name);
    }
  });

  it("is compared with the tensors alike: missing, too many, of other shapes, in formats that nobody has", async () => {
    const embedding = "model.embed_tokens";
    const quantised = (columns: number, groups: number) => ({
      [`${embedding}.weight`]: { dtype: "U32", shape: [8, columns] },
      [`${embedding}.scales`]: { dtype: "F16", shape: [8, groups] },
      [`${embedding}.biases`]: { dtype: "F16", shape: [8, groups] },
    });
    const { "model.norm.weight": norm, ...withoutNorm } = tinyTensors;
    const cases: Readonly<Record<string, readonly [object, string | undefined]>> = {
      whole: [tinyTensors, undefined],
      "with a table of rotations": [{ ...tinyTensors, "a.rotary_emb.inv_freq": norm }, undefined],
      "of 5 bits": [{ ...tinyTensors, ...quantised(5, 1) }, undefined],
      "without a norm": [withoutNorm, "MODEL_INCOMPLETE"],
      "with one too many": [{ ...tinyTensors, "model.extra.weight": norm }, "MODEL_UNSUPPORTED"],
      "with another vocabulary": [
        { ...tinyTensors, [`${embedding}.weight`]: { dtype: "F16", shape: [9, 32] } },
        "MODEL_CORRUPT",
      ],
      "of 7 bits": [{ ...tinyTensors, ...quantised(7, 1) }, "MODEL_UNSUPPORTED"],
      "in groups of 16": [{ ...tinyTensors, ...quantised(4, 2) }, "MODEL_UNSUPPORTED"],
      "without zero points": [
        { ...tinyTensors, ...quantised(4, 1), [`${embedding}.biases`]: { dtype: "F16", shape: [8, 2] } },
        "MODEL_CORRUPT",
      ],
    };
    for (const [name, [tensors, code]] of Object.entries(cases)) {
      const directory = path.join(folder.path, name);
      const weights = zeroSafetensors(Object.fromEntries(Object.entries(tensors)));
      await writeTinyModel(directory, { "model.safetensors": weights });
      const loaded = await failure(async () => {
        await (await addon.loadModel({ directory, device: "cpu" }, () => {}).result).dispose();
      });
      const inspected = await failure(() => inspectModel(directory));
      assert.equal(loaded?.code, code, `${name}: ${loaded?.message}`);
      assert.equal(inspected?.code, code, `${name}: ${inspected?.message}`);
      assert.equal(loaded?.what, inspected?.what, name);
    }
  });
});

async function failure(work: () => Promise<unknown>): Promise<ResidentError | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof ResidentError) return error;
    throw error;
  }
}
