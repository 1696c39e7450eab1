import assert from "node:assert/strict";
import { Histogram } from "../../../src/engine/metrics";
import { EngineRig, prompt } from "../../support/engine/engineRig";

describe("Metrics", () => {
  it("counts the prompt tokens asked for and those found", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(13) });
    await rig.complete({ tokens: prompt(13) });
    const { prefixCacheQueries, prefixCacheHits, kvCacheUsage } = rig.engine.metricsSnapshot();
    assert.deepEqual([prefixCacheQueries, prefixCacheHits], [26, 12]);
    assert.equal(kvCacheUsage, rig.engine.pool.referencedBlocks / 32);
    blocks.release();
  });

  it("counts who runs and who waits", async () => {
    const rig = new EngineRig({}, { maxSequences: 2 });
    for (const variant of [0, 1, 2]) rig.submit({ tokens: prompt(9, variant) });
    await rig.step();
    const { numRequestsRunning, numRequestsWaiting } = rig.engine.metricsSnapshot();
    assert.deepEqual([numRequestsRunning, numRequestsWaiting], [2, 1]);
  });

  it("gives rates of the last seconds, and none when nothing runs", async () => {
    const rig = new EngineRig();
    rig.runner.beforeStep = () => rig.clock.advance(99);
    await rig.complete({ tokens: prompt(20), maxTokens: 21 });
    const busy = rig.engine.metricsSnapshot();
    assert.ok(Math.abs(busy.decodeTokensPerSecond - 10) < 1, `${busy.decodeTokensPerSecond}`);
    assert.ok(busy.prefillTokensPerSecond > 0);
    assert.ok(busy.ttftP50Ms >= 99 && busy.ttftP50Ms < 99 * 1.25);
    assert.ok(busy.interTokenP95Ms >= 99 && busy.interTokenP95Ms < 100 * 1.25);
    rig.clock.advance(10_000);
    assert.equal(rig.engine.metricsSnapshot().decodeTokensPerSecond, 0);
  });

  it("keeps percentiles within a bucket of the truth, however long the times are", () => {
    const histogram = new Histogram();
    assert.equal(histogram.quantileMs(0.5), 0);
    for (let ms = 1; ms <= 1_000; ms += 1) histogram.record(ms);
    for (const [quantile, truth] of [
      [0.5, 500],
      [0.95, 950],
    ] as const) {
      const told = histogram.quantileMs(quantile);
      assert.ok(told >= truth && told <= truth * 1.25, `${told}`);
    }
    histogram.record(1e12);
    assert.ok(Number.isFinite(histogram.quantileMs(1)));
  });
});
