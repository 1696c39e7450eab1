import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { LoopDelayProbe } from "../../../src/bench/loopDelay";

describe("the probe of an event loop", () => {
  it("sees a loop that was held up, with its own work told apart where the system can", async () => {
    const probe = new LoopDelayProbe();
    await pause(10);
    const endMs = performance.now() + 40;
    while (performance.now() < endMs);
    await pause(10);
    const delay = probe.stop();
    assert.ok(delay.n > 2);
    assert.ok(delay.maxMs >= 30, `${delay.maxMs} ms`);
    assert.ok(delay.histogramMaxMs >= delay.histogramP99Ms);
    assert.ok(delay.p50Ms <= delay.p99Ms && delay.p99Ms <= delay.maxMs);
    assert.ok(delay.busyPercent > 0);
    assert.equal(delay.ownMaxMs !== undefined, existsSync("/proc/thread-self/schedstat"));
    assert.ok((delay.ownMaxMs ?? 0) <= delay.maxMs);
  });

  it("counts a delay that goes on when it is stopped", () => {
    const probe = new LoopDelayProbe();
    const endMs = performance.now() + 30;
    while (performance.now() < endMs);
    assert.ok(probe.stop().maxMs >= 25);
  });
});
