import assert from "node:assert/strict";
import { KeptWays } from "../../../../src/extension/acting/keptWays";
import type { Memory } from "../../../../src/extension/window/memory";
import { FakeMemory } from "../../../support/extension/fakeMemory";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const fails = (error: unknown) => assert.fail(String(error));

describe("which agents answer in several ways", () => {
  it("is known in the next window, until one is chosen", async () => {
    const memory = new FakeMemory();
    const kept = new KeptWays(memory, fails);
    kept.set("a", ["a2", "a3"]);
    kept.set("b", ["b2"]);
    kept.set("a", ["a4"]);
    kept.set("b", []);
    await settled();
    const again = new KeptWays(memory, fails);
    assert.deepEqual([again.forksOf("a"), again.forksOf("b"), again.forksOf("c")], [["a4"], [], []]);
    const { numUpdates } = memory;
    again.set("c", []);
    await settled();
    assert.equal(memory.numUpdates, numUpdates);
  });

  it("is nothing where what was kept is something else, and survives a memory that fails", async () => {
    for (const value of [null, 3, [["a"]], [["a", [1]]], [[1, []]]]) {
      const memory = new FakeMemory();
      await memory.update("resident.acting.ways", value);
      assert.deepEqual(new KeptWays(memory, fails).forksOf("a"), []);
    }
    const errors: unknown[] = [];
    const failing: Memory = { get: () => undefined, update: () => Promise.reject(new Error("full")) };
    const kept = new KeptWays(failing, (error) => errors.push(error));
    kept.set("a", ["a2"]);
    await settled();
    assert.deepEqual([errors.length, kept.forksOf("a")], [1, ["a2"]]);
  });
});
