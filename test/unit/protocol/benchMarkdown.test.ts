import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { figureTable } from "../../../src/protocol/benchFigures";
import { benchMarkdown } from "../../../src/protocol/benchMarkdown";
import { resultSections } from "../../../src/protocol/benchResults";
import type { BenchReport, BenchRow } from "../../../src/protocol/service";

const formats = createFormats("en");
const times = { n: 100, p50Ms: 0.0025, p95Ms: 0.0038, p99Ms: 0.004 };
const one = { n: 1, p50Ms: 3400, p95Ms: 3400, p99Ms: 3400 };

function report(suite: BenchReport["suite"], rows: readonly BenchRow[]): BenchReport {
  return { suite, at: "2026-03-04T05:06:07.000Z", machine: "a machine", rows };
}

describe("results of benchmarks in words", () => {
  it("say a target below a millisecond with its figure", () => {
    const rows = [
      { case: "reconstruct", ...times, targetMs: 0.1 },
      { case: "round trip", ...times, targetMs: 0.2 },
      { case: "an operation", ...times, targetMs: 0.001 },
      { case: "the loop", ...times, targetMs: 5 },
    ];
    const lines = resultSections([report("exp-006", rows)], formats).flatMap((section) => section.lines);
    assert.deepEqual(
      lines.map(({ target }) => target),
      ["0.1 ms", "0.2 ms", "1.0 µs", "5 ms"],
    );
  });

  it("of a single run have no percentiles", () => {
    const rows = [{ case: "cold", ...one, tier: "cold", contextTokens: 512 }];
    const line = resultSections([report("resume", rows)], formats)[0]?.lines[0];
    assert.match(line?.detail ?? "", /^1 run: 3\.4 s/);
    assert.deepEqual(figureTable(report("resume", rows), formats).rows[0]?.slice(0, 5), ["cold", "1", "3.4", "", ""]);
  });
});

describe("all figures of a report", () => {
  it("have names in words, and the unit in the head where a whole column has it", () => {
    const rows = [
      {
        case: "a",
        ...times,
        tokensPerSecond: 61.4,
        contextTokens: 2048,
        restoreMs: 62,
        bytes: 2 ** 20,
        share: 0.5,
        ratio: 2,
      },
      { case: "b", ...times, p50Ms: 20, aloneTokensPerSecond: 9, identical: true, bytesAHundredTurns: 2 ** 21 },
    ];
    const { head, rows: cells } = figureTable(report("engine", rows), formats);
    const byName = new Map(head.map((name, i) => [name, cells.map((row) => row[i])]));
    assert.deepEqual(Object.fromEntries(byName), {
      Case: ["a", "b"],
      Runs: ["100", "100"],
      p50: ["2.5 µs", "20.0 ms"],
      "p95 (µs)": ["3.8", "3.8"],
      "p99 (µs)": ["4.0", "4.0"],
      "Rate (tok/s)": ["61", ""],
      "Context (tokens)": ["2,048", ""],
      "Restore (ms)": ["62.0", ""],
      "Size (MB)": ["1.00", ""],
      Share: ["50.0%", ""],
      "Ratio (×)": ["2.00", ""],
      "Alone (tok/s)": ["", "9.0"],
      Identical: ["", "yes"],
      "A hundred turns (MB)": ["", "2.00"],
    });
  });
});

describe("Markdown of reports", () => {
  it("says that nothing was run", () => {
    assert.equal(benchMarkdown([], formats), "No benchmark has been run yet.\n");
  });

  it("has the newest report of each suite, with what missed its target", () => {
    const missed = { case: "extract | 1", ...times, p95Ms: 0.3, targetMs: 0.1 };
    const old = { ...report("exp-006", [{ case: "old", ...times }]), at: "2020-01-01T00:00:00.000Z" };
    assert.equal(
      benchMarkdown([report("exp-006", [missed, { case: "read", ...one }]), old], formats),
      `**EXP-006, p95.** 2026-03-04, a machine:

|  | Result | Target | p50 | p95 | p99 | Runs |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| Extract \\| 1 | 0.3 ms | 0.1 ms, missed | 2.5 µs | 0.3 ms | 4.0 µs | 100 |
| Read | 3.4 s |  | 3.4 s |  |  | 1 |
`,
    );
  });

  it("sets the engines of throughput next to each other, ours first, and says who could not run", () => {
    const rows = [
      { case: "decode", ...times, engine: "resident", tokensPerSecond: 100 },
      { case: "decode", ...times, engine: "llama-cpp-python 0.3.36", tokensPerSecond: 50 },
      { case: "prefill 128", ...times, engine: "resident", tokensPerSecond: 2000 },
      { case: "memory read", n: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, engine: "memory", readBytesPerSecond: 3e10 },
      { case: "mlx_lm: not run", n: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, engine: "mlx_lm", reason: "no Python" },
    ];
    assert.equal(
      benchMarkdown([report("throughput", rows)], formats),
      `**Throughput, tok/s.** 2026-03-04, a machine:

| tok/s | Resident | llama-cpp-python 0.3.36 |
| --- | ---: | ---: |
| decode | 100 | 50 (2.00 ×) |
| prefill 128 | 2,000 | – |

* mlx_lm: not run: no Python
`,
    );
  });
});
