import assert from "node:assert/strict";
import path from "node:path";
import { NextModelStatus } from "../../../src/service/nextModel";
import { temporaryFolder } from "../../support/models/folders";
import { tinyWeightBytes, writeTinyModel } from "../../support/models/tinyModel";

describe("the model that is loaded next", () => {
  const home = temporaryFolder();

  it("has its folder's name and the size of its weights", async () => {
    const directory = await writeTinyModel(path.join(home.path, "tiny"));
    assert.deepEqual(await new NextModelStatus().describe({ directory, turnsAhead: 3 }), {
      name: "tiny",
      turnsAhead: 3,
      weightBytes: tinyWeightBytes,
    });
  });

  it("has no size when its files cannot be read, and is absent when no request waits for a model", async () => {
    const status = new NextModelStatus();
    const missing = path.join(home.path, "no such folder");
    assert.deepEqual(await status.describe({ directory: missing, turnsAhead: 0 }), {
      name: "no such folder",
      turnsAhead: 0,
    });
    assert.equal(await status.describe(undefined), undefined);
  });
});
