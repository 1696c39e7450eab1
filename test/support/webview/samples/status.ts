import type { PageEngine } from "../../../../src/protocol/page";
import type {
  BenchReport,
  BenchRow,
  Departure,
  PoolStatus,
  ServiceStatus,
  ThreadTurn,
} from "../../../../src/protocol/service";
import type { MetricSample, StatusSnapshot, StatusUpdate } from "../../../../src/protocol/status";
import { agent, figures, onServer, ready } from "./agents";
import { hostileName } from "./content";

const mib = 1024 ** 2;

const agents = [
  agent(0, "Parser reviewer"),
  agent(1, "Test writer", { tokens: 11_904, hotTokens: 11_904, diskTokens: 11_904, diskBytes: 419 * mib }),
  agent(2, "Doc editor", { tokens: 6016, hotTokens: 6016, diskTokens: 5952, diskBytes: 209 * mib, state: "reading" }),
  agent(3, "Migration planner", {
    tier: "warm",
    tokens: 30_912,
    hotTokens: 0,
    diskTokens: 30_912,
    diskBytes: 1085 * mib,
    lockedElsewhere: true,
  }),
  agent(4, "Release notes", { tier: "cold", tokens: 0, hotTokens: 0, diskTokens: 0, diskBytes: 0 }),
];

/** Runs of blocks: a digit is an agent, s shared with it, r reusable, f free. */
function blockMap(text: string): PoolStatus["map"] {
  return text.split(" ").map((run) => {
    const [kind = "f", digit] = [run[0], /^\d/.exec(run)?.[0]];
    const count = Number(run.slice(1));
    if (digit !== undefined) return { kind: "agent", agent: `agent-${digit}`, count };
    if (kind === "s") return { kind: "shared", agent: "agent-0", count };
    return { kind: kind === "r" ? "reusable" : "free", count };
  });
}

const pool: PoolStatus = {
  bytes: 512 * 2.25 * mib,
  totalBlocks: 512,
  usedBlocks: 334,
  reusableBlocks: 98,
  freeBlocks: 80,
  blockTokens: 64,
  blockBytes: 2.25 * mib,
  map: blockMap("051 1120 r22 260 f12 166 r57 234 03 r19 f68"),
};

function row(name: string, ms: number, extra: Partial<BenchRow> = {}): BenchRow {
  return { case: name, n: 100, p50Ms: ms * 0.9, p95Ms: ms * 0.97, p99Ms: ms, ...extra };
}

function report(suite: BenchReport["suite"], rows: readonly BenchRow[], minutesAgo = 12): BenchReport {
  return { suite, at: new Date(Date.now() - minutesAgo * 60_000).toISOString(), machine: "a sample machine", rows };
}

const resumeTimes = [
  [512, 1000, 92, 71],
  [1024, 2000, 96, 72],
  [2048, 4100, 104, 74],
  [4096, 8500, 121, 78],
  [8192, 17_900, 158, 85],
] as const;

function resumeRows(warmFactor: number): readonly BenchRow[] {
  return resumeTimes.flatMap(([contextTokens, cold, warm, hot]) => [
    { ...row(`cold, ${contextTokens} tokens`, cold), p50Ms: cold, n: 1, tier: "cold", contextTokens },
    {
      ...row(`warm, ${contextTokens} tokens`, warm),
      p50Ms: warm * warmFactor,
      tier: "warm",
      contextTokens,
      targetMs: 250,
    },
    { ...row(`hot, ${contextTokens} tokens`, hot), p50Ms: hot, tier: "hot", contextTokens, targetMs: 100 },
  ]);
}

const reports: readonly BenchReport[] = [
  report(
    "exp-005",
    Array.from({ length: 24 }, (_, i) => row(`prompt ${i + 1}`, 1, { identical: true })),
  ),
  report("exp-006", [
    row("1 block × 12 layers", 3.1, { targetMs: 5, geometry: "256 tokens a block", bytes: 18 * mib }),
    row("4 blocks × 24 layers", 7.4, { targetMs: 10, geometry: "256 tokens a block", bytes: 144 * mib }),
    row("32 blocks × 48 layers", 16.2, { targetMs: 15, geometry: "256 tokens a block", bytes: 2304 * mib }),
  ]),
  ...[1.7, 1.64, 1.5, 1.46, 1.35, 1.52, 1.19, 1.08].map((factor, i) =>
    report("resume", resumeRows(factor), 900 - i * 60),
  ),
  report("resume", resumeRows(1)),
  report("throughput", [
    row("prefill 512", 900, { tokensPerSecond: 515 }),
    row("decode, one sequence", 16, { tokensPerSecond: 61 }),
    row("decode, 8 sequences together", 37, { tokensPerSecond: 214 }),
  ]),
];

const decode = [58, 60, 61, 59, 60, 61, 60, 59, 112, 118, 120, 116, 84, 61, 60, 60, 61, 61, 115, 120, 119, 118];
const prefill = [
  470, 488, 510, 502, 498, 430, 490, 512, 508, 470, 466, 500, 520, 512, 380, 402, 470, 505, 515, 512, 509,
];
const p50 = [180, 160, 140, 120, 96, 92, 90, 94, 98, 92, 90, 88, 91, 96, 104, 120, 99, 92, 90, 91, 93, 92];
const p95 = [
  4.6, 4.6, 4.4, 2.1, 1.2, 0.9, 0.8, 0.8, 0.9, 1, 0.9, 0.8, 0.9, 1.6, 1.7, 1.7, 1.6, 1.7, 1.7, 1.7, 1.7, 1.7,
];
const samples: readonly MetricSample[] = decode.map((rate, i) => ({
  at: i * 1000,
  decodeTokensPerSecond: rate,
  prefillTokensPerSecond: prefill[i] ?? 515,
  ttftP50Ms: p50[i] ?? 92,
  ttftP95Ms: (p95[i] ?? 1.7) * 1000,
}));

const status: ServiceStatus = {
  engine: ready,
  metrics: {
    kvCacheUsage: 0.652,
    prefixCacheQueries: 1000,
    prefixCacheHits: 941,
    numRequestsRunning: 2,
    numRequestsWaiting: 1,
    numPreemptions: 0,
    decodeTokensPerSecond: 118,
    prefillTokensPerSecond: 515,
    ttftP50Ms: 92,
    ttftP95Ms: 1700,
    specDecodeNumDraftTokens: 400,
    specDecodeNumAcceptedTokens: 291,
    movedSlabs: 0,
  },
  pool,
  store: {
    path: "/store",
    objects: 813,
    bytes: 1833 * mib,
    quotaBytes: 8192 * mib,
    refused: 1,
    lastRefusal: "checksum",
    lastVerified: {
      at: new Date(Date.now() - 20 * 60_000).toISOString(),
      checked: { objects: 813, bytes: 1833 * mib },
      problems: 0,
      stopped: false,
    },
  },
  agents,
  threads: { count: 0, bytes: 0, recent: [] },
  lastBench: reports,
};

/** A request of VS Code's chat. */
function request(
  secondsAgo: number,
  reused: number,
  prefilled: number,
  ttftMs: number,
  change: Partial<ThreadTurn> & { readonly departure?: Departure } = {},
): ThreadTurn {
  const { departure, ...more } = change;
  return {
    at: Date.now() - secondsAgo * 1000,
    modelName: "Qwen2.5-Coder 3B, 4-bit",
    isShort: false,
    figures: figures(reused, prefilled, 180, { ttftMs, ...(departure && { departure }) }),
    ...more,
  };
}

const clock: Departure = { atToken: 14, before: "The current date is 30 November 2026, 10:41:07.", now: "…10:42:19." };

const requests: readonly ThreadTurn[] = [
  request(12, 26_988, 124, 410),
  request(70, 26_528, 460, 1300),
  request(72, 0, 310, 240, { isShort: true }),
  request(185, 14, 26_514, 48_200, { departure: clock }),
  request(400, 9_212, 8_110, 14_100, {
    departure: {
      atToken: 9_212,
      before: "…const limit = 512; // as the pool has it\n  return blocks.slice(0, limit);",
      now: "…// lines 40 to 120 omitted",
    },
  }),
  request(3000, 0, 26_410, 47_900),
];

function snapshot(engine: PageEngine, change: Partial<ServiceStatus> = {}): StatusUpdate {
  const value: StatusSnapshot = {
    settings: { language: "en" },
    engine,
    status: { ...status, ...change, engine: engine.state },
    samples,
  };
  return { type: "snapshot", snapshot: value };
}

const readyEngine: PageEngine = {
  state: ready,
  actions: [
    { id: "chooseModel", label: "Choose Model…" },
    { id: "unloadModel", label: "Unload Model" },
  ],
};

const { pool: _, ...withoutPool } = status;

function unloaded(engine: PageEngine): StatusUpdate {
  const settings = { language: "en" };
  return {
    type: "snapshot",
    snapshot: { settings, engine, status: { ...withoutPool, engine: engine.state }, samples: [] },
  };
}

export const statusSamples: Readonly<Record<string, readonly StatusUpdate[]>> = {
  ready: [snapshot(readyEngine)],
  nextModel: [
    snapshot(readyEngine, { nextModel: { name: "Qwen3-1.7B-4bit", turnsAhead: 2, weightBytes: 1740 * mib } }),
  ],
  running: [
    snapshot(readyEngine),
    {
      type: "bench",
      running: {
        suite: "resume",
        progress: { done: 10, total: 15, unit: "runs", message: "4,096 tokens: reading everything" },
      },
    },
  ],
  threads: [snapshot(readyEngine, { threads: { count: 3, bytes: 412 * mib, recent: requests } })],
  hostileThreads: [
    snapshot(readyEngine, {
      threads: {
        count: 1,
        bytes: 9 * mib,
        recent: [
          request(5, 120, 90_000, 182_000, {
            modelName: hostileName,
            departure: {
              atToken: 120,
              before: `\u202e${"a_word_without_any_place_to_break_it_".repeat(8)}`,
              now: "<img src=x onerror=alert(1)>\nsecond line\n\u202eright to left",
            },
          }),
          request(9, 0, 4, 90, { departure: { atToken: 0, before: "", now: "" } }),
        ],
      },
    }),
  ],
  large: [
    snapshot(readyEngine, {
      lastBench: [],
      pool: {
        ...pool,
        totalBlocks: 4096,
        usedBlocks: 2600,
        map: blockMap("0400 s200 11200 r300 2500 f200 1300 r400 f596"),
      },
    }),
  ],
  many: [
    snapshot(readyEngine, {
      agents: Array.from({ length: 24 }, (_, index) =>
        agent(index, index % 5 === 4 ? hostileName : `Agent ${index + 1} ${"with a long name ".repeat(index % 4)}`, {
          tier: index % 3 === 0 ? "hot" : index % 3 === 1 ? "warm" : "cold",
          state: index === 1 ? "answering" : "idle",
        }),
      ),
      pool: {
        ...pool,
        map: Array.from({ length: 12 }, (_, index) => ({ kind: "agent", agent: `agent-${index}`, count: 40 })),
      },
    }),
  ],
  troubled: [
    snapshot(readyEngine, {
      pool: { ...pool, reduced: { wantedBytes: 4096 * mib, reason: "2.1 GB of memory were free" } },
      store: {
        ...status.store,
        bytes: 8200 * mib,
        lastSaveError: { code: "DISK_FULL", what: "the disk is full", advice: "free some space", facts: {} },
        problem: { code: "IO_FAILURE", what: "the folder cannot be read", advice: "look at it", facts: {} },
        lastVerified: {
          at: new Date(Date.now() - 3 * 3_600_000).toISOString(),
          checked: { objects: 813, bytes: 1833 * mib },
          problems: 2,
          stopped: false,
        },
      },
      agents: [
        ...agents.map((agent, i) =>
          i === 1
            ? { ...agent, name: "Reviewer of everything that is written in the storage engine and its tests" }
            : agent,
        ),
        agent(5, "Tester", onServer),
        agent(0, "Tester of everything in the cellar", {
          ...onServer,
          server: { address: "http://the-large-machine-in-the-cellar.example.org:8000/v1", model: "tiny" },
        }),
      ],
      lastBench: [
        report("exp-006", [
          row("reconstruct, 1 × 12, hot", 0.0038, { targetMs: 0.1 }),
          row("restore from disk (page cache hot), 32 × 48, of the floor", 114, { ratio: 0.77, targetRatio: 0.8 }),
          row("floor: raw read into as much memory, 32 × 48", 125),
        ]),
        report("resume", resumeRows(1)),
        report("engine", [
          row("hot agent of 4096 tokens, one that was written in the chat, TTFT", 19, {
            firstMs: 4500,
            ratio: 232,
            reusedTokens: 4210,
            prefilledTokens: 6,
            targetRatio: 100,
          }),
          row("8 answers, host blocked 200 ms a second", 0, {
            tokensPerSecond: 890,
            undisturbedTokensPerSecond: 898,
            deviceIdleShare: 0.011,
            stepMs: 8.9,
            undisturbedStepMs: 8.8,
          }),
        ]),
      ],
    }),
  ],
  idle: [
    unloaded({
      state: { type: "idle" },
      actions: [
        { id: "loadModel", label: "Load Model" },
        { id: "chooseModel", label: "Choose Model…" },
      ],
    }),
  ],
  loading: [
    unloaded({
      state: { type: "loading", model: "Qwen2.5-Coder 3B, 4-bit", done: 1106 * mib, total: 1782 * mib },
      actions: [{ id: "cancelLoad", label: "Cancel" }],
    }),
  ],
  noModel: [
    unloaded({
      state: { type: "noModel" },
      actions: [
        { id: "getStarter", label: "Get Starter Model" },
        { id: "chooseModel", label: "Choose Model…" },
      ],
    }),
  ],
  addonMissing: [
    unloaded({
      state: {
        type: "addonMissing",
        error: {
          code: "ADDON_MISSING",
          what: "the native addon could not be loaded: built for another platform (linux-x64, this is linux-arm64)",
          advice: "run the set-up",
          facts: {},
        },
      },
      actions: [
        { id: "diagnose", label: "Diagnose" },
        { id: "showLog", label: "Show Log" },
      ],
    }),
  ],
};
