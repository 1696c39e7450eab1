import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { readModelFacts } from "../../../src/models/modelFacts";
import type { NativeAddon } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { configCases } from "../../support/models/configCases";
import { temporaryFolder } from "../../support/models/folders";
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
