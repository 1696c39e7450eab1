import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { IdleUnload } from "../../../src/service/idleUnload";
import { ModelGate } from "../../../src/service/modelGate";

describe("unloading an idle model", () => {
  const loader = { load: async (directory: string) => directory, unload: async () => {} };

  it("frees the model some time after the last use, and not while it is in use", async () => {
    const gate: ModelGate<string> = new ModelGate(loader, (idle) => unloading.setIdle(idle));
    const unloading = new IdleUnload(20, () => gate.unload());
    const first = await gate.acquire("a");
    const second = await gate.acquire("a");
    first.release();
    await sleep(60);
    const current = () => gate.current?.model;
    assert.equal(current(), "a", "it is in use");
    second.release();
    const third = await gate.acquire("a");
    await sleep(60);
    assert.equal(current(), "a", "it is in use again");
    third.release();
    await sleep(120);
    assert.equal(current(), undefined);
    const again = await gate.acquire("a");
    assert.equal(again.model, "a");
    again.release();
    unloading.dispose();
    await sleep(60);
    assert.equal(current(), "a", "nothing happens after the end");
  });

  it("never does where the time is 0", async () => {
    let unloads = 0;
    const unloading = new IdleUnload(0, async () => {
      unloads += 1;
    });
    unloading.setIdle(true);
    await sleep(20);
    assert.equal(unloads, 0);
  });

  it("does not end the program when unloading fails", async () => {
    const unloading = new IdleUnload(1, () => Promise.reject(new Error("closed")));
    unloading.setIdle(true);
    await sleep(20);
  });
});
