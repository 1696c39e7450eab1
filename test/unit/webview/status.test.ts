import assert from "node:assert/strict";
import fc from "fast-check";
import { createFormats } from "../../../src/common/format";
import { figureTable } from "../../../src/protocol/benchFigures";
import { latest, resultSections } from "../../../src/protocol/benchResults";
import type { BenchReport, StoreVerified } from "../../../src/protocol/service";
import type { StatusCommand, StatusSnapshot } from "../../../src/protocol/status";
import { Eta } from "../../../src/webview/shared/eta";
import { agentsView } from "../../../src/webview/status/agents";
import { benchView } from "../../../src/webview/status/bench";
import { type BlockRun, blocksByAgent, blocksPerCell, mapCells, maxCells } from "../../../src/webview/status/blockMap";
import { engineView } from "../../../src/webview/status/engine";
import { poolView } from "../../../src/webview/status/pool";
import { logScale, resumeChart, resumeHistory, timesByContext } from "../../../src/webview/status/resumeChart";
import { linePath, sparkline } from "../../../src/webview/status/spark";
import { reduceStatus } from "../../../src/webview/status/state";
import { storeView } from "../../../src/webview/status/store";
import { threadsView } from "../../../src/webview/status/threads";
import { throughputView } from "../../../src/webview/status/throughput";
import { statusSamples } from "../../support/webview/samples/status";
import { buttons, byRole, nodesOf, press, text } from "../../support/webview/trees";

const formats = createFormats("en");

function sample(name: string): StatusSnapshot {
  const update = statusSamples[name]?.[0];
  if (update?.type !== "snapshot") throw new Error(`no sample ${name}`);
  return update.snapshot;
}

const run: fc.Arbitrary<BlockRun> = fc.record(
  {
    kind: fc.constantFrom("agent" as const, "shared" as const, "reusable" as const, "free" as const),
    agent: fc.constantFrom("a", "b"),
    count: fc.integer({ min: 1, max: 700 }),
  },
  { requiredKeys: ["kind", "count"] },
);

describe("the agents of the status view", () => {
  it("have their tokens here, and those on servers where they are", () => {
    const node = agentsView(sample("troubled").status.agents, formats, () => {}, false);
    assert.match(text(node), /3 hot, 1 warm, 1 cold, 2 on servers/);
    const rows = nodesOf(node).filter(({ type }) => type === "tr");
    assert.deepEqual(
      rows.slice(1, 2).map((row) => text(row)),
      ["Parser reviewer3,4253,295116 MB"],
    );
    assert.deepEqual(
      rows.slice(-2, -1).map((row) => text(row)),
      ["Testeron studio.local:80000 B"],
    );
  });
});

describe("the engine", () => {
  const context = { formats, run: () => {}, remainingMs: undefined };
  const shown = (state: StatusSnapshot | undefined) => {
    assert(state);
    return text(engineView(state.engine, state.status.nextModel, context));
  };

  it("names the loaded model and the one that is loaded next, with the turns before it and its size", () => {
    const waiting = sample("nextModel");
    assert.match(shown(waiting), /Qwen2.5-Coder 3B.*then.*Qwen3-1.7B-4bitafter 2 turns, 1.70 GB to load/);
    const { metrics } = waiting.status;
    const now = reduceStatus(waiting, { type: "metrics", metrics, nextModel: { name: "B", turnsAhead: 0 } });
    assert.match(shown(now), /thenBnow/);
    assert.doesNotMatch(shown(reduceStatus(waiting, { type: "metrics", metrics })), /then/);
  });
});

describe("the block map", () => {
  it("draws at most 1,024 cells, each for a power of two of blocks", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), (total) => {
        const perCell = blocksPerCell(total);
        assert(Math.ceil(total / perCell) <= maxCells);
        assert.equal(Math.log2(perCell) % 1, 0);
        if (perCell > 1) assert(Math.ceil(total / (perCell / 2)) > maxCells);
      }),
    );
    assert.equal(blocksPerCell(1024), 1);
    assert.equal(blocksPerCell(1025), 2);
  });

  it("has a cell for every block, in their order", () => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 12 }), (map) => {
        const blocks = map.flatMap(({ kind, count }) => Array.from({ length: count }, () => kind));
        assert.deepEqual(
          mapCells(map, 1).map(({ kind }) => kind),
          blocks,
        );
        assert.equal(mapCells(map, 4).length, Math.ceil(blocks.length / 4));
      }),
    );
  });

  it("shows in a cell what most of its blocks are, and what is used when they are even", () => {
    const map: readonly BlockRun[] = [
      { kind: "free", count: 3 },
      { kind: "agent", agent: "a", count: 1 },
      { kind: "free", count: 2 },
      { kind: "agent", agent: "b", count: 2 },
    ];
    assert.deepEqual(mapCells(map, 4), [{ kind: "free" }, { kind: "agent", agent: "b" }]);
  });

  it("counts shared blocks at the agent that had them first", () => {
    const map: readonly BlockRun[] = [
      { kind: "agent", agent: "a", count: 3 },
      { kind: "shared", agent: "a", count: 2 },
      { kind: "reusable", agent: "b", count: 9 },
    ];
    assert.deepEqual([...blocksByAgent(map)], [["a", 5]]);
  });

  it("says that the pool is smaller than was wanted, and why", () => {
    const { pool } = sample("ready").status;
    assert.ok(pool);
    const reduced = { wantedBytes: 2 ** 36, reason: "12.0 GB of memory were free" };
    assert.match(
      text(poolView({ ...pool, reduced }, [], formats)),
      /smaller than the 64.0 GB wanted: 12.0 GB of memory were free/,
    );
    assert.doesNotMatch(text(poolView(pool, [], formats)), /wanted/);
  });

  it("is an image with a summary, and its legend says what a cell is", () => {
    const { pool, agents } = sample("large").status;
    assert(pool);
    const view = poolView(pool, agents, formats);
    const map = nodesOf(view).find(({ props }) => String(props["aria-label"]).startsWith("Block map"));
    assert.match(String(map?.props["aria-label"]), /^Block map, 4,096 blocks: Parser reviewer 600, Test writer/);
    assert.equal(map?.props.children.length, 1024);
    assert.match(text(view), /one cell is 4 blocks/);
  });
});

/** What a table of results says of `reports`, line by line. */
function judged(reports: readonly BenchReport[]) {
  const lines = resultSections(reports, formats).flatMap((section) => section.lines);
  return lines.map(({ name, value, target, passed }) => [name, value, target, passed]);
}

describe("the results of benchmarks", () => {
  const reports = sample("ready").status.lastBench;

  it("are the newest of each suite", () => {
    const resume = latest(reports, "resume");
    assert.equal(
      resume?.at,
      reports
        .map(({ suite, at }) => (suite === "resume" ? at : ""))
        .sort()
        .at(-1),
    );
  });

  it("are judged by their targets where they have one", () => {
    assert.deepEqual(judged(reports), [
      ["Prompts identical", "24 of 24", "24", true],
      ["1 block × 12 layers", "3.0 ms", "5 ms", true],
      ["4 blocks × 24 layers", "7.2 ms", "10 ms", true],
      ["32 blocks × 48 layers", "15.7 ms", "15 ms", false],
      ["Cold", "17.9 s", undefined, undefined],
      ["Warm", "158 ms", "250 ms", true],
      ["Hot", "85 ms", "100 ms", true],
      ["Prefill 512", "515", undefined, undefined],
      ["Decode, one sequence", "61", undefined, undefined],
      ["Decode, 8 sequences together", "214", undefined, undefined],
    ]);
  });

  it("of the engine are judged by what must be reached and by what must not be exceeded", () => {
    const times = { n: 5, p50Ms: 1, p95Ms: 2, p99Ms: 3 };
    const rows = [
      { case: "together against one", ...times, ratio: 2.5 },
      { case: "hot, TTFT", ...times, ratio: 99, targetRatio: 100 },
      { case: "during a restore", ...times, ratio: 1.19, mostRatio: 1.2 },
      { case: "scheduler", ...times, share: 0.021, mostShare: 0.02 },
      { case: "event loop", ...times, targetMs: 10 },
    ];
    const report = { suite: "engine", at: "2026-01-01T00:00:00Z", machine: "m", rows } as const;
    assert.deepEqual(judged([report]), [
      ["Together against one", "2.50 ×", undefined, undefined],
      ["Hot, TTFT", "99 ×", "100 ×", false],
      ["During a restore", "1.19 ×", "1.20 ×", true],
      ["Scheduler", "2.1%", "2.0%", false],
      ["Event loop", "3.0 ms", "10 ms", true],
    ]);
  });

  it("of the soak tell what went wrong and what memory did", () => {
    const times = { n: 750, p50Ms: 400, p95Ms: 900, p99Ms: 1200 };
    const figures = { failures: 0, compared: 25, mismatches: 1, residentBytes: 380e6, bytesAHundredTurns: -3e6 };
    const rows = [{ case: "750 turns over 24 agents", ...times, ...figures }];
    const report = { suite: "soak", at: "2026-01-01T00:00:00Z", machine: "m", rows } as const;
    assert.deepEqual(judged([report]), [
      ["750 turns over 24 agents", "900 ms", undefined, undefined],
      ["Turns that failed", "0", "0", true],
      ["Answers that differ from those given alone", "1 of 25", "0", false],
      ["Memory for 100 more turns", "-2.86 MB", undefined, undefined],
    ]);
  });

  it("of throughput are ours; what the peers reached is in the detail, and all of it in the table of all figures", () => {
    const times = { n: 5, p50Ms: 10, p95Ms: 11, p99Ms: 12 };
    const rows = [
      { case: "decode, one sequence", ...times, engine: "resident", tokensPerSecond: 100, overLlamaCpp: 2 },
      { case: "decode, one sequence", ...times, engine: "llama-cpp-python 0.3.36", tokensPerSecond: 50 },
      { case: "mlx_lm: not run", n: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0, engine: "mlx_lm", reason: "no Python" },
    ];
    const report = { suite: "throughput", at: "2026-01-01T00:00:00Z", machine: "m", rows } as const;
    const lines = resultSections([report], formats).flatMap((section) => section.lines);
    assert.deepEqual(
      lines.map(({ name, value }) => [name, value]),
      [["Decode, one sequence", "100"]],
    );
    assert.match(lines[0]?.detail ?? "", /llama-cpp-python 0\.3\.36: 50 tok\/s$/);
    assert.equal(figureTable(report, formats).rows.length, 3);
  });

  it("are all there, every figure of every row under its name", () => {
    const report = latest(reports, "exp-006");
    assert(report);
    const { head, rows } = figureTable(report, formats);
    assert.deepEqual(head, ["Case", "Runs", "p50 (ms)", "p95 (ms)", "p99 (ms)", "Target (ms)", "Geometry", "Size"]);
    const cells = ["1 block × 12 layers", "100", "2.8", "3.0", "3.1", "5.0", "256 tokens a block", "18.0 MB"];
    assert.deepEqual(rows[0], cells);
  });

  it("are no table before anything was run", () => {
    const context = { formats, now: 0, remainingMs: undefined, available: true, run: () => {} };
    const view = benchView([], undefined, context);
    assert.match(text(view), /not run yet/);
    assert(!nodesOf(view).some(({ type }) => type === "table"));
  });

  it("can be had for each suite, and a run can be cancelled", () => {
    const commands: string[] = [];
    const context = {
      formats,
      now: Date.now(),
      remainingMs: 60_000,
      available: true,
      run: (command: { readonly type: string }) => commands.push(command.type),
    };
    const idle = benchView(reports, undefined, context);
    assert.equal(buttons(idle).filter((name) => /^(EXP|Resume|Throughput)/.test(name)).length, 4);
    const progress = { done: 10, total: 15, unit: "runs", message: "4,096 tokens: cold" } as const;
    const running = benchView(reports, { suite: "resume", progress }, context);
    assert.equal(byRole("progressbar", running).props["aria-valuetext"], "runs 10 of 15, about 1 minute left");
    press("Cancel", running);
    press("Export…", idle);
    assert.deepEqual(commands, ["cancelBench", "exportBench"]);
    assert(!buttons(benchView([], undefined, context)).includes("Export…"));
  });

  it("say while they run whether answers wait", () => {
    const progress = { done: 1, total: 2, unit: "runs", message: "hot" } as const;
    const context = { formats, now: 0, remainingMs: undefined, available: true, run: () => {} };
    assert.match(text(benchView([], { suite: "exp-006", progress }, context)), /Answers wait until it has ended\./);
    assert.match(text(benchView([], { suite: "soak", progress }, context)), /Agents can answer in the meantime\./);
  });

  it("have whole names, and no header without a text", () => {
    const view = benchView(reports, undefined, {
      formats,
      now: 0,
      remainingMs: undefined,
      available: true,
      run: () => {},
    });
    const cells = nodesOf(view).filter(({ type }) => type === "th");
    assert(cells.length > 10);
    for (const cell of cells) {
      assert.notEqual(text(cell).trim(), "");
      assert(!nodesOf(cell).some(({ props }) => String(props["class"] ?? "").includes("cut")));
    }
  });
});

describe("the chart of TTFT by context", () => {
  const report = latest(sample("ready").status.lastBench, "resume");

  it("has cold, warm and hot of every context, shortest first", () => {
    const contexts = timesByContext(report?.rows ?? []);
    assert.deepEqual(
      contexts.map(({ tokens }) => tokens),
      [512, 1024, 2048, 4096, 8192],
    );
    assert.deepEqual(contexts.at(-1)?.ms, { cold: 17_900, warm: 158, hot: 85 });
  });

  it("stands on a logarithmic scale between powers of ten", () => {
    const scale = logScale([71, 17_900]);
    assert.deepEqual(scale.ticks, [10, 100, 1000, 10_000]);
    assert.equal(scale.at(10), 0);
    assert(scale.at(17_900) < 1 && scale.at(17_900) > scale.at(10_000));
    assert.equal(scale.at(0), 0);
  });

  it("says its figures in words", () => {
    assert(report);
    const chart = byRole("img", resumeChart(report, formats));
    assert.match(String(chart.props["aria-label"]), /at 8,192 tokens cold 17\.9 s, warm 158 ms, hot 85 ms/);
  });

  it("has a trend from the first run on", () => {
    assert(report);
    const history = resumeHistory([report], formats);
    assert.match(text(history), /8,192 tokens 1 run/);
    assert.match(String(byRole("img", history).props["aria-label"]), /^History of 1 run, from 158 ms to 158 ms/);
  });

  it("is left out when nothing was measured", () => {
    assert.equal(resumeChart({ suite: "resume", at: "", machine: "", rows: [] }, formats), undefined);
  });
});

describe("a line of values", () => {
  it("goes from edge to edge, higher values higher up", () => {
    assert.equal(linePath([0, 10], 10), "M0.0 28.0L100.0 0.0");
    assert.equal(linePath([5], 10), "M0.0 14.0L100 14.0");
  });

  it("is drawn within its box for any values", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e9, noNaN: true })), (values) => {
        const numbers = nodesOf(sparkline(values, "x")).flatMap(({ props }) =>
          [...String(props["d"] ?? "").matchAll(/[\d.]+/g)].map(Number),
        );
        assert(numbers.every((value) => value >= 0 && value <= 100));
      }),
    );
  });
});

describe("throughput", () => {
  it("has no time to the first token before a turn was answered", () => {
    const { metrics } = sample("ready").status;
    const figures = (ttftMs: number) => {
      const view = throughputView({ ...metrics, ttftP50Ms: ttftMs, ttftP95Ms: ttftMs }, [], formats);
      return nodesOf(view).flatMap((node) => (node.props.class === "v" ? [text(node)] : []));
    };
    assert.deepEqual(figures(0).slice(2), ["– ms", "– ms"]);
    assert.deepEqual(figures(85).slice(2), ["85 ms", "85 ms"]);
  });
});

describe("the status view's state", () => {
  const before = sample("ready");

  it("keeps five minutes of samples", () => {
    const at = (ms: number) => ({
      ...before.samples[0],
      at: ms,
      decodeTokensPerSecond: 1,
      prefillTokensPerSecond: 1,
      ttftP50Ms: 1,
      ttftP95Ms: 1,
    });
    const { metrics } = before.status;
    const state = [0, 100_000, 299_999, 300_000].reduce<StatusSnapshot | undefined>(
      (last, ms) => reduceStatus(last, { type: "metrics", metrics, sample: at(ms) }),
      { ...before, samples: [] },
    );
    assert.deepEqual(
      state?.samples.map((sample) => sample.at),
      [100_000, 299_999, 300_000],
    );
  });

  it("has no pool when the update has none: the model is unloaded", () => {
    const state = reduceStatus(before, { type: "metrics", metrics: before.status.metrics });
    assert.equal(state?.status.pool, undefined);
  });

  it("ends a benchmark that runs no more and adds its report", () => {
    const progress = { done: 1, total: 2, unit: "runs", message: "" } as const;
    const running = reduceStatus(before, { type: "bench", running: { suite: "resume", progress } });
    assert.equal(running?.status.benchRunning?.suite, "resume");
    assert.equal(reduceStatus(running, { type: "bench" })?.status.benchRunning, undefined);
    const report = { suite: "resume", at: "2030-01-01T00:00:00Z", machine: "", rows: [] } as const;
    const ended = reduceStatus(running, { type: "report", report });
    assert.equal(ended && latest(ended.status.lastBench, "resume"), report);
  });

  it("takes no update before a snapshot", () => {
    assert.equal(reduceStatus(undefined, { type: "agents", agents: [] }), undefined);
  });
});

const storeContext = { formats, now: Date.parse("2026-11-26T12:12:00Z"), run: () => {} };

describe("the disk store", () => {
  it("says when it was verified, and what was found", () => {
    const { store } = sample("ready").status;
    const found = (change: Partial<StoreVerified>) => {
      const checked = { objects: 813, bytes: 2 ** 30 };
      const lastVerified = { at: "2026-11-26T12:00:00Z", checked, problems: 0, stopped: false, ...change };
      return text(storeView({ ...store, lastVerified }, storeContext));
    };
    assert.match(found({}), /Last verified\s*12 min\.? ago, 813 good/);
    assert.match(found({ problems: 2 }), /12 min\.? ago, 2 of 813 bad/);
    assert.match(found({ stopped: true }), /813 good, then stopped/);
    const { lastVerified: _, ...never } = store;
    assert.match(text(storeView(never, storeContext)), /Last verified\s*never/);
  });

  it("verifies, frees space and opens its quota and all settings with one click each", () => {
    const commands: StatusCommand[] = [];
    const failed = { code: "DISK_FULL", what: "the disk is full", advice: "", facts: {} } as const;
    const { store } = sample("ready").status;
    const view = storeView(
      { ...store, lastSaveError: failed },
      { ...storeContext, run: (command) => commands.push(command) },
    );
    for (const name of ["Verify Now", "Free Space", "Change Quota…", "All Settings…"]) press(name, view);
    assert.deepEqual(commands, [
      { type: "verifyStore" },
      { type: "freeSpace" },
      { type: "changeQuota" },
      { type: "act", action: "openSettings" },
    ]);
  });

  it("is a meter with words, and says what was refused and what was not saved", () => {
    const { store } = sample("ready").status;
    const failed = { code: "DISK_FULL", what: "the disk is full", advice: "", facts: {} } as const;
    const view = storeView({ ...store, lastSaveError: failed }, storeContext);
    assert.equal(byRole("meter", view).props["aria-valuetext"], "1.79 of 8.00 GB");
    assert.match(text(view), /Not saved: the disk is full/i);
    assert.match(text(view), /1, checksum/);
  });

  it("says why it could not be looked after", () => {
    const { store } = sample("ready").status;
    const problem = { code: "IO_FAILURE", what: "the folder cannot be read", advice: "", facts: {} } as const;
    assert.match(text(storeView({ ...store, problem }, storeContext)), /Not looked after: The folder cannot be read/);
  });
});

describe("the time left of a piece of work", () => {
  it("is unknown at first, then follows the mean speed, and begins anew with other work", () => {
    const eta = new Eta();
    assert.equal(eta.remainingMs("a", 0, 100, 0), undefined);
    assert.equal(eta.remainingMs("a", 10, 100, 400), undefined);
    assert.equal(eta.remainingMs("a", 25, 100, 1000), 3000);
    assert.equal(eta.remainingMs("b", 25, 100, 1100), undefined);
    assert.equal(eta.remainingMs("a", 0, 100, 2000), undefined);
  });
});

describe("the requests of VS Code's chat", () => {
  const { threads } = sample("threads").status;
  const asked: StatusCommand[] = [];
  const context = { formats, now: Date.now(), run: (command: StatusCommand) => asked.push(command) };
  const view = threadsView(threads, context);

  it("tell what was reused of what was asked, and the time to the first token", () => {
    assert.match(text(view), /3 threads, 412 MB/);
    assert.match(text(view), /Qwen2.5-Coder 3B, 4-bit26,988 of 27,112410 ms/);
    assert.match(text(view), /utility request0 of 310240 ms/);
  });

  it("show both texts at the first difference, open for the newest one that has one", () => {
    const reasons = nodesOf(view)
      .filter(({ type }) => type === "details")
      .slice(1);
    assert.deepEqual(
      reasons.map(({ props }) => props["open"]),
      [true, false],
    );
    assert.match(text(reasons[0]), /Read again from token 14Before.*10:41:07\.Now…10:42:19\./);
  });

  it("are copied with their figures and both texts", () => {
    press("Copy why it was read again", view);
    const [command] = asked;
    assert.equal(command?.type, "copy");
    assert.equal(
      command?.type === "copy" && command.text,
      [
        "Qwen2.5-Coder 3B, 4-bit: 14 of 26,528 tokens reused, TTFT 48.2 s",
        "Read again from token 14",
        "before: The current date is 30 November 2026, 10:41:07.",
        "now:    …10:42:19.",
      ].join("\n"),
    );
  });

  it("are as many as help, and change with an update", () => {
    const first = threads.recent[0];
    assert(first);
    const many = Array.from({ length: 50 }, (_, i) => ({ ...first, at: i }));
    const rows = nodesOf(threadsView({ ...threads, recent: many }, context)).filter(({ type }) => type === "tr");
    assert.equal(rows.length, 9);
    const changed = reduceStatus(sample("ready"), { type: "threads", threads });
    assert.equal(changed?.status.threads, threads);
  });
});
