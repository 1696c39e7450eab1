import assert from "node:assert/strict";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { ask } from "../../support/agents/cli";

const first =
  "The harbour of the old town was built in three parts: a long wall of grey stone, a basin for small boats, and a deep " +
  "quay with two cranes. Answer in one word: how many parts are there?";
const second = "Tell me more about the cranes.";
const q8 = ["--kv", "q8"];

describe("an agent whose K and V have 8 bits, in processes that come and go", function () {
  this.timeout(300_000);

  let folder: string;
  const home = (name: string) => path.join(folder, name);

  const device = process.env["RESIDENT_DEVICE"];

  before(async () => {
    process.env["RESIDENT_DEVICE"] = "cpu"; // a GPU has no K and V in 8 bits
    folder = await mkdtemp(path.join(os.tmpdir(), "resident q8 "));
    await ask(home("first"), first, 4, q8);
    for (const name of ["restored", "without", "other"]) await cp(home("first"), home(name), { recursive: true });
  });

  after(() => {
    if (device === undefined) delete process.env["RESIDENT_DEVICE"];
    else process.env["RESIDENT_DEVICE"] = device;
    return rm(folder, { recursive: true, force: true });
  });

  it("goes on from the disk with the answer that it gives after reading everything again", async () => {
    const restored = await ask(home("restored"), second, 16, q8);
    assert.equal(restored.cache.tier, "warm");
    assert.ok(restored.prefilledTokens < 32);
    const store = path.join(home("without"), "store");
    for (const name of await readdir(store, { recursive: true })) {
      if (name.endsWith(".safetensors")) await rm(path.join(store, name));
    }
    const cold = await ask(home("without"), second, 16, q8);
    assert.equal(cold.reusedTokens, 0);
    assert.deepEqual(cold.tokenIds, restored.tokenIds);
  });

  it("is refused with the reason where K and V are of another format", async () => {
    const { reusedTokens, cache } = await ask(home("other"), second, 2, ["--kv", "f16"]);
    assert.equal(reusedTokens, 0);
    assert.equal(cache.refused?.code, "foreign");
    assert.match(cache.refused?.reason ?? "", /K\/V dtype is q8, this is f16/);
  });
});
