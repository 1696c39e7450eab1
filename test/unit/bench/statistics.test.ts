import assert from "node:assert/strict";
import fc from "fast-check";
import { percentiles } from "../../../src/bench/statistics";

describe("percentiles", () => {
  it("are measured values, by nearest rank", () => {
    const samples = Array.from({ length: 100 }, (_, i) => 100 - i);
    assert.deepEqual(percentiles(samples), { n: 100, p50Ms: 50, p95Ms: 95, p99Ms: 99 });
    assert.deepEqual(percentiles([3, 1, 2]), { n: 3, p50Ms: 2, p95Ms: 3, p99Ms: 3 });
    assert.deepEqual(percentiles([7]), { n: 1, p50Ms: 7, p95Ms: 7, p99Ms: 7 });
  });

  it("of nothing are zeros over no samples", () => {
    assert.deepEqual(percentiles([]), { n: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 });
  });

  it("have at least their share of the samples at or below them, and grow", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1 }), (samples) => {
        const { p50Ms, p95Ms, p99Ms } = percentiles(samples);
        for (const [share, value] of [
          [0.5, p50Ms],
          [0.95, p95Ms],
          [0.99, p99Ms],
        ] as const) {
          assert.ok(samples.includes(value));
          assert.ok(samples.filter((sample) => sample <= value).length >= share * samples.length);
        }
        assert.ok(p50Ms <= p95Ms && p95Ms <= p99Ms);
      }),
      { seed: 5 },
    );
  });
});
