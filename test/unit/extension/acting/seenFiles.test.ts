import assert from "node:assert/strict";
import { RememberedFiles } from "../../../../src/extension/acting/seenFiles";
import type { Memory } from "../../../../src/extension/window/memory";
import { FakeMemory } from "../../../support/extension/fakeMemory";

const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("which files an agent has seen", () => {
  it("is there again after a restart, written once for changes that come together", async () => {
    const memory = new FakeMemory();
    const seen = new RememberedFiles(memory);
    for (let file = 0; file < 50; file++) seen.set("a", `${file}`, "old");
    seen.set("a", "3", "new");
    seen.set("b", "3", "other");
    await settled();
    assert.ok(memory.numUpdates <= 2, `${memory.numUpdates}`);
    const again = new RememberedFiles(memory);
    assert.deepEqual([again.get("a", "3"), again.get("b", "3"), again.get("a", "never")], ["new", "other", undefined]);
    again.forget("a");
    await settled();
    assert.equal(new RememberedFiles(memory).get("a", "3"), undefined);
  });

  it("is bounded: the last files of the last agents", () => {
    const seen = new RememberedFiles(new FakeMemory());
    for (let file = 0; file < 400; file++) seen.set("a", `${file}`, "x");
    assert.deepEqual([seen.get("a", "0"), seen.get("a", "399")], [undefined, "x"]);
    for (let agent = 0; agent < 60; agent++) seen.set(`${agent}`, "f", "x");
    assert.deepEqual([seen.get("a", "399"), seen.get("59", "f")], [undefined, "x"]);
  });

  it("is nothing where what was kept is something else, and survives a memory that fails", async () => {
    for (const value of [null, 3, [["a"]], [["a", [["f", 1]]]], [[1, []]]]) {
      const memory = new FakeMemory();
      await memory.update("resident.acting.seen", value);
      assert.equal(new RememberedFiles(memory).get("a", "f"), undefined);
    }
    const errors: unknown[] = [];
    const failing: Memory = { get: () => undefined, update: () => Promise.reject(new Error("full")) };
    const seen = new RememberedFiles(failing, "key", (error) => errors.push(error));
    seen.set("a", "f", "x");
    await settled();
    seen.set("a", "g", "y");
    await settled();
    assert.deepEqual([errors.length, seen.get("a", "f")], [2, "x"]);
  });
});
