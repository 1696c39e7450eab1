import assert from "node:assert/strict";
import { silentLog } from "../../../src/common/log";
import { EngineDriver } from "../../../src/engine/driver";
import { EngineRig, prompt, record } from "../../support/engine/engineRig";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("EngineDriver", () => {
  it("steps while there is work and rests when there is none", async () => {
    const rig = new EngineRig();
    const driver = new EngineDriver(rig.engine, silentLog);
    const first = await rig.submit({ tokens: prompt(9) }).result;
    assert.deepEqual(first.tokenIds, rig.expected(prompt(9), 4));
    await turn();
    const runs = rig.runner.batches.length;
    await turn();
    assert.equal(rig.runner.batches.length, runs);
    const second = await rig.submit({ tokens: prompt(9, 1) }).result;
    assert.deepEqual(second.tokenIds, rig.expected(prompt(9, 1), 4));
    driver.dispose();
  });

  it("puts requests of one turn into one batch", async () => {
    const rig = new EngineRig();
    const driver = new EngineDriver(rig.engine, silentLog);
    await Promise.all([0, 1, 2].map((variant) => rig.submit({ tokens: prompt(9, variant) }).result));
    assert.equal(rig.runner.batches[0]?.rows.length, 3);
    driver.dispose();
  });

  it("takes up what was submitted before it came", async () => {
    const rig = new EngineRig();
    const generation = rig.submit({ tokens: prompt(9) });
    const driver = new EngineDriver(rig.engine, silentLog);
    assert.equal((await generation.result).tokenIds.length, 4);
    driver.dispose();
  });

  it("rests while a request waits for room, and goes on when there is some", async () => {
    const rig = new EngineRig({ totalBlocks: 4 });
    const driver = new EngineDriver(rig.engine, silentLog);
    const { blocks } = await rig.submit({ tokens: prompt(8, 1), maxTokens: 0 }).result;
    const generation = rig.submit({ tokens: prompt(14), maxTokens: 2 });
    await turn();
    assert.deepEqual(
      record(generation).map((event) => event.type),
      ["queued"],
    );
    blocks.release();
    assert.equal((await generation.result).tokenIds.length, 2);
    driver.dispose();
  });

  it("begins no step once it is disposed", async () => {
    const rig = new EngineRig();
    const driver = new EngineDriver(rig.engine, silentLog);
    driver.dispose();
    rig.submit({ tokens: prompt(9) });
    await turn();
    assert.equal(rig.runner.batches.length, 0);
  });

  it("refuses a step inside a step", async () => {
    const rig = new EngineRig();
    rig.submit({ tokens: prompt(9) });
    const running = rig.engine.step();
    await assert.rejects(rig.engine.step(), { code: "INTERNAL" });
    await running;
  });
});
