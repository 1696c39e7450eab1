import type { ErrorInfo } from "../../../../src/common/errors";
import { contextFullProblem } from "../../../../src/extension/commands/contextFull";
import type { ChatSnapshot, ChatUpdate } from "../../../../src/protocol/chat";
import type { PageTurn, Problem } from "../../../../src/protocol/page";
import type { TurnChain } from "../../../../src/protocol/service";
import {
  acted,
  actingAsks,
  actingDelegates,
  actingHostile,
  actingRuns,
  actingStopped,
  actingWaits,
  draftChips,
  nineTools,
  ownWay,
  pinnedFiles,
  readingFiles,
  renewedFiles,
  waysChosen,
  waysRun,
} from "./acting";
import { agent, figures, ready } from "./agents";
import { contents, hostileName } from "./content";
import {
  dropped,
  hostileSteps,
  manySteps,
  manyStepsRunning,
  stepRunning,
  steps,
  stepsWaiting,
  stepsWentOn,
} from "./steps";

const reviewer = agent(0, "Parser reviewer");

const base: ChatSnapshot = {
  settings: { language: "en" },
  agent: reviewer,
  system: "",
  engine: { state: ready, actions: [] },
  starts: ["forkAnother", "editInstructions", "chooseModel"],
  selection: { label: "recover.ts:88–141", title: "src/recover.ts:88–141", lines: 54 },
  turns: [],
  branches: [],
};

function turn(id: string, user: string, answer: string, change: Partial<PageTurn> = {}): PageTurn {
  return { id, user, answer, state: "done", finishReason: "stop", createdAt: 0, ...change };
}

function chain(change: Partial<TurnChain> & Pick<TurnChain, "turn">): TurnChain {
  const { current = false, isEnd = true } = change;
  return { user: "", answer: "It is called once.", turns: 1, tokens: 3294, createdAt: 0, ...change, current, isEnd };
}

/** So many minutes before the page is looked at. */
function ago(minutes: number): number {
  return Date.now() - minutes * 60_000;
}

const code = `\`\`\`ts recover.ts
function recoverTo(follow: TokenSet, limit: number): Token {
  let depth = 0;
  while (current.kind !== TokenKind.Eof && current.pos < limit) {
    if (depth === 0 && follow.has(current.kind)) break;
    depth += braceDelta(advance());
  }
  return current;
}
\`\`\``;

const first = turn(
  "t1",
  "Where does the parser recover from a missing brace?",
  `In \`recoverTo\`, called from \`parseBlock\` when the closing brace is absent. It does three things:

1. Reports \`expected '}'\` at the end of the **last complete statement**, not at the next token.
2. Skips to a token in the caller's follow set, and counts nested braces on the way.
3. Returns a \`Block\` with \`missingClose: true\`, so later passes do not report it again.`,
  { figures: figures(1842, 37, 212, { cache: { tier: "warm" } }) },
);

const second = turn("t2", "Make the skip stop at the end of the enclosing function.", code, {
  figures: figures(2090, 861, 151, { ttftMs: 1700, decodeTokensPerSecond: 60 }),
});

const third = turn(
  "t3",
  "Does anything else call it with an open limit?",
  "Yes, one place: `parseInterface` passes no limit. It is safe there, because an interface body holds no statements.",
  {
    figures: figures(768, 2386, 141, {
      ttftMs: 4600,
      decodeTokensPerSecond: 59,
      cache: { tier: "warm", refused: { code: "CHECKSUM", reason: "block 12 failed its checksum", atToken: 768 } },
    }),
    storedTokens: 3102,
    refusalActions: [
      { id: "showLog", label: "Show Log" },
      { id: "verifyStore", label: "Verify Store" },
    ],
  },
);

const thought = `The user asks where the parser recovers. Candidates are \`recoverTo\` and \`skipTo\`.

1. \`parseBlock\` calls \`recoverTo\` when the closing brace is absent.
2. <b>skipTo</b> is for lists only.

So the answer is \`recoverTo\`.`;
const thinkingFigures = { ...figures(1842, 37, 96), thinking: { tokens: 96, ms: 1600 } };

const asked = turn("t4", "Write the test that would have caught this.", "", { state: "running" });

const poolExhausted: Problem = {
  error: {
    code: "POOL_EXHAUSTED",
    what: "this request needs 287 blocks of 64 tokens and the block pool has 256",
    advice: "raise the block pool's size, shorten the prompt, or lower the maximum number of tokens",
    facts: { needed: 287, total: 256, blockTokens: 64 },
  },
  kept: "Nothing was read or generated. Your message and the whole conversation are kept.",
  actions: [
    { id: "growPool", label: "Grow Pool to 320 Blocks (720 MB)" },
    { id: "rewind", label: "Rewind…" },
  ],
};

function overfull(facts: ErrorInfo["facts"]): ErrorInfo {
  return { code: "CONTEXT_FULL", what: "it does not fit", advice: "shorten it", facts: { context: 32_768, ...facts } };
}

const historyFull = contextFullProblem(
  overfull({ kept: 31_564, message: 1540, room: 1187, roomAlone: 32_720, cause: "room" }),
  { turnCount: 3, isBelow: true },
  "en",
);

const tooLong = contextFullProblem(
  overfull({ kept: 80, message: 73_720, room: 32_667, roomAlone: 32_720, cause: "message" }),
  { turnCount: 1, isBelow: true },
  "en",
);

const pasted = "function recoverTo(follow: TokenSet, limit: number): Token {\n  let depth = 0;\n".repeat(40);

const locked: Problem = {
  error: {
    code: "AGENT_LOCKED",
    what: "open in another window, read only here",
    advice: "continue it there, or fork it to go on here",
    facts: {},
  },
  actions: [
    { id: "fork", label: "Fork Agent…" },
    { id: "tryAgain", label: "Try Again" },
  ],
};

function snapshot(change: Partial<ChatSnapshot>): ChatUpdate {
  return { type: "snapshot", snapshot: { ...base, ...change } };
}

const answer =
  "The test needs a function with a missing brace followed by a second function, so that an unbounded skip would swallow it. It asserts on the **number of functions** and on the position of the one";

/** The agent can act and be given files. */
const acting: Partial<ChatSnapshot> = {
  agent: { ...reviewer, tools: nineTools },
  acting: { calls: [] },
  attachments: [],
  pinnedFiles: { files: [] },
};
const contextParts = { instructions: 312, files: 1506, conversation: 1607 };

function contentOf(answer: string): readonly ChatUpdate[] {
  return [snapshot({ turns: [{ ...first, answer }] })];
}

/** Many turns in many branches. */
const branching = Array.from({ length: 9 }, (_, index) =>
  chain({
    turn: `b${index}`,
    ...(index > 0 ? { after: `b${Math.floor((index - 1) / 2)}` } : {}),
    current: index === 1,
    isEnd: index > 3,
    user: index % 2 === 0 ? "Rewrite it as a loop over the follow set" : hostileName,
    turns: index + 1,
  }),
);

export const chatSamples: Readonly<Record<string, readonly ChatUpdate[]>> = {
  opening: [{ type: "opening", waitsFor: "conversation" }],
  streaming: [
    snapshot({ turns: [first, second, third, asked], agent: { ...reviewer, state: "answering" } }),
    {
      type: "text",
      turn: "t4",
      delta: { offset: 0, text: answer.slice(0, 70), figures: figures(3294, 45, 20, { ttftMs: 92 }) },
    },
    {
      type: "text",
      turn: "t4",
      delta: {
        offset: 60,
        text: answer.slice(60),
        figures: figures(3294, 45, 86, { ttftMs: 92, decodeTokensPerSecond: 60 }),
      },
    },
  ],
  thinking: [
    snapshot({
      turns: [first, { ...asked, thought: thought.slice(0, 160), figures: thinkingFigures }],
      agent: { ...reviewer, state: "answering", thinking: "on" },
      modelFacts: { thinkingChoices: ["on", "off", "kept"], insistsOnDate: true },
    }),
    {
      type: "text",
      turn: "t4",
      delta: { offset: 0, text: "", thought: { offset: 150, text: thought.slice(150) }, figures: thinkingFigures },
    },
  ],
  thought: [
    snapshot({
      turns: [
        { ...first, thought, figures: { ...figures(1842, 37, 624), thinking: { tokens: 412, ms: 3200 } } },
        turn("t2", "And then?", "", {
          thought: "The answer was cut while it was still",
          finishReason: "length",
          figures: { ...figures(2090, 40, 8), thinking: { tokens: 8, ms: 60 } },
        }),
        turn("t3", "Go on.", "It skips to the follow set.", { thought }),
      ],
      agent: { ...reviewer, thinking: "off", day: "2026-11-30" },
      modelFacts: { thinkingChoices: ["on", "off"], insistsOnDate: true },
    }),
  ],
  done: [
    snapshot({
      turns: [first, second, third],
      branches: [
        chain({ turn: "t2", current: true, isEnd: false, turns: 2, createdAt: ago(70) }),
        chain({
          turn: "t3",
          after: "t2",
          current: true,
          answer: "Yes, one place: parseInterface passes no limit.",
          createdAt: ago(3),
        }),
        chain({
          turn: "t8",
          after: "t2",
          answer: "No: a search finds one call only.",
          tokens: 3180,
          createdAt: ago(20),
        }),
      ],
    }),
  ],
  branchTree: [
    snapshot({
      turns: [first, second, third],
      branches: [
        chain({ turn: "t1", current: true, isEnd: false, tokens: 2091, createdAt: ago(90) }),
        chain({ turn: "t2", after: "t1", current: true, isEnd: false, answer: code.slice(0, 160), createdAt: ago(70) }),
        chain({
          turn: "t4",
          after: "t1",
          answer: "Stop at the closing brace of the function that began the statement.",
          tokens: 2310,
          createdAt: ago(80),
        }),
        chain({
          turn: "t5",
          after: "t1",
          isEnd: false,
          answer:
            "It is enough to pass the end of the enclosing function as a limit, as `parseBlock` does for its own statements.",
          turns: 2,
          tokens: 2860,
          createdAt: ago(60),
        }),
        chain({
          turn: "t6",
          after: "t5",
          user: "Show the call.",
          answer: "recoverTo(follow, functionEnd(node))",
          tokens: 3120,
          createdAt: ago(59),
        }),
        chain({
          turn: "t7",
          after: "t5",
          user: "Show the test.",
          answer: "The test has two functions, of which the first lacks its closing brace.",
          tokens: 3240,
          createdAt: ago(50),
        }),
        chain({
          turn: "t3",
          after: "t2",
          current: true,
          answer: "Yes, one place: parseInterface passes no limit.",
          createdAt: ago(3),
        }),
        chain({
          turn: "t8",
          after: "t2",
          answer: "",
          user: "Does anything else call it with an open limit?",
          tokens: 3102,
          createdAt: ago(5),
        }),
      ],
    }),
  ],
  steps: [snapshot({ turns: [first, ...steps, second] })],
  stepsOpen: [snapshot({ turns: steps })],
  manySteps: [snapshot({ ...acting, turns: [first, ...manySteps] })],
  manyStepsOpen: [snapshot({ ...acting, turns: [first, ...manySteps] })],
  manyStepsRunning: [snapshot({ ...acting, turns: manyStepsRunning })],
  stepsWaiting: [snapshot({ turns: [first, ...stepsWaiting] })],
  stepsWentOn: [snapshot({ turns: stepsWentOn })],
  stepRunning: [
    snapshot({ turns: stepRunning, agent: { ...reviewer, state: "answering" } }),
    {
      type: "text",
      turn: "s3",
      delta: {
        offset: 0,
        text: "There are no tests of the parser yet. I make the first one.",
        calls: stepsWaiting.at(-1)?.calls?.slice(0, 1) ?? [],
        figures: figures(3221, 38, 61, { ttftMs: 96, decodeTokensPerSecond: 58 }),
      },
    },
  ],
  stepReading: [
    snapshot({ turns: stepRunning }),
    {
      type: "progress",
      turn: "s3",
      progress: { type: "prefill", done: 512, total: 1204, reused: 1976, tokensPerSecond: 515 },
    },
  ],
  dropped: [snapshot({ turns: dropped })],
  stepsHostile: [snapshot({ turns: hostileSteps })],
  actingWaits: [snapshot({ ...acting, ...actingWaits })],
  actingRuns: [snapshot({ ...acting, ...actingRuns })],
  actingAsks: [snapshot({ ...acting, ...actingAsks })],
  actingDelegates: [snapshot({ ...acting, ...actingDelegates })],
  actingStopped: [snapshot({ ...acting, turns: [first], acting: actingStopped })],
  actingHostile: [snapshot({ ...acting, ...actingHostile })],
  acted: [snapshot({ ...acting, turns: acted })],
  actedOpen: [snapshot({ ...acting, turns: acted })],
  attachMenu: [snapshot({ ...acting, turns: [first] })],
  attaching: [
    snapshot({
      ...acting,
      turns: [first],
      attachments: draftChips,
      draft: { text: "Why does " },
      selection: { label: "recover.ts:88–141", title: "src/parser/recover.ts:88–141", lines: 54 },
    }),
    { type: "draftSize", serial: 0, size: { draftTokens: 1473, promptTokens: 4900, contextTokens: 32_768 } },
  ],
  pinnedFiles: [snapshot({ ...acting, turns: [first], pinnedFiles, contextParts })],
  pinnedRenewed: [snapshot({ ...acting, turns: [first], pinnedFiles: renewedFiles, contextParts })],
  pinnedReading: [snapshot({ ...acting, turns: [first], pinnedFiles: readingFiles })],
  ways: [snapshot({ ...acting, turns: [first, ownWay(waysChosen)], ways: waysChosen })],
  waysRunning: [snapshot({ ...acting, turns: [first, ownWay(waysRun)], ways: waysRun })],
  compact: [
    snapshot({
      ...acting,
      agent: { ...reviewer, tokens: 31_564, tools: nineTools },
      turns: [first, second],
      contextParts,
    }),
    { type: "refused", message: { text: "Compare every rule with the grammar." }, problem: historyFull },
  ],
  nearlyFullActing: [
    snapshot({ ...acting, agent: { ...reviewer, tokens: 31_564, tools: nineTools }, turns: [first], contextParts }),
  ],
  server: [
    snapshot({
      agent: {
        ...reviewer,
        ...{ server: { address: "http://studio.local:8000/v1", model: "Qwen3-235B-A22B-Instruct" } },
      },
      turns: [first],
    }),
  ],
  /** Its server tells no length of its context, and has counted nothing. */
  serverUntold: [
    snapshot({
      agent: {
        ...reviewer,
        ...{ tokens: 0, contextTokens: 0, sampling: { temperature: 0.2 } },
        server: { address: "http://the-large-machine-in-the-cellar.example.org:8000/v1", model: "tiny" },
      },
      turns: [],
    }),
  ],
  ownSampling: [snapshot({ agent: { ...reviewer, sampling: { temperature: 0.2 } }, turns: [first] })],
  prefill: [
    snapshot({ turns: [first, { ...asked, user: "Check the new grammar against the recovery rules." }] }),
    {
      type: "progress",
      turn: "t4",
      progress: { type: "prefill", done: 1536, total: 2891, reused: 3294, tokensPerSecond: 515 },
    },
  ],
  waiting: [
    snapshot({ turns: [first, asked] }),
    { type: "progress", turn: "t4", progress: { type: "queued", neededBlocks: 40, turnsAhead: 2 } },
  ],
  waitingModel: [
    snapshot({ turns: [first, asked] }),
    {
      type: "progress",
      turn: "t4",
      progress: { type: "waitingModel", reason: "2 turns of Qwen2.5-Coder 3B, then 1.7 GB to load" },
    },
  ],
  stopped: [
    snapshot({
      turns: [
        { ...first, finishReason: "aborted", answer: "In `recoverTo`, called from `parseBlock` when" },
        turn("t2", "And then?", "", { finishReason: "aborted", figures: figures(1842, 37, 0, { ttftMs: 0 }) }),
        { ...third, id: "t3", finishReason: "length" },
      ],
    }),
  ],
  interrupted: [
    snapshot({
      agent: { ...reviewer, tier: "warm" },
      turns: [first, turn("t2", "And then?", "It reports `expected '}'` at the end of", { state: "interrupted" })],
    }),
  ],
  saveFailed: [
    snapshot({
      turns: [
        {
          ...first,
          saveProblem: {
            error: { code: "DISK_FULL", what: "the disk is full", advice: "free space", facts: {} },
            actions: [{ id: "retrySave", label: "Retry" }],
          },
        },
      ],
    }),
  ],
  markdown: contentOf(contents.markdown),
  tables: contentOf(contents.tables),
  code: contentOf(contents.code),
  hostile: [
    snapshot({
      agent: { ...reviewer, name: hostileName },
      turns: [{ ...first, user: `${contents.hostile}\n${"w".repeat(300)}`, answer: contents.hostile }],
    }),
  ],
  manyBranches: [snapshot({ turns: [first, second], branches: branching })],
  empty: [snapshot({ agent: { ...reviewer, tier: "cold", tokens: 0, hotTokens: 0, diskTokens: 0 } })],
  poolExhausted: [
    snapshot({
      agent: { ...reviewer, tokens: 14_912 },
      turns: [
        turn("t12", "Compare every rule with the grammar and list the differences.", "", {
          state: "failed",
          problem: poolExhausted,
        }),
      ],
    }),
  ],
  nearlyFull: [snapshot({ agent: { ...reviewer, tokens: 31_564 }, turns: [first] })],
  full: [snapshot({ agent: { ...reviewer, tokens: 32_768 }, turns: [first, { ...second, finishReason: "length" }] })],
  historyFull: [
    snapshot({ agent: { ...reviewer, tokens: 31_564 }, turns: [first, second, third] }),
    { type: "refused", message: { text: "Compare every rule with the grammar." }, problem: historyFull },
    { type: "draftSize", serial: 0, size: { draftTokens: 1540, promptTokens: 33_120, contextTokens: 32_768 } },
  ],
  tooLong: [
    snapshot({ agent: { ...reviewer, tokens: 80 }, turns: [first] }),
    { type: "refused", message: { text: pasted }, problem: tooLong },
    { type: "draftSize", serial: 0, size: { draftTokens: 73_720, promptTokens: 73_820, contextTokens: 32_768 } },
  ],
  drafting: [
    snapshot({
      agent: { ...reviewer, pinned: true },
      turns: [first, second],
      draft: { text: "Write the test that would have caught this, with a function that lacks its closing brace." },
    }),
    { type: "draftSize", serial: 0, size: { draftTokens: 312, promptTokens: 3737, contextTokens: 32_768 } },
  ],
  editing: [
    snapshot({
      turns: [first, second, third],
      draft: { text: "Make the skip stop at the end of the enclosing block.", instead: "t2" },
    }),
    { type: "draftSize", serial: 0, size: { draftTokens: 12, promptTokens: 3437, contextTokens: 32_768 } },
  ],
  waitedModel: [
    snapshot({
      turns: [
        {
          ...first,
          figures: figures(1842, 37, 212, {
            ttftMs: 252,
            waitMs: 2120,
            modelMs: 1790,
            restoreMs: 62,
            cache: { tier: "warm" },
          }),
        },
      ],
    }),
  ],
  cut: [
    snapshot({ turns: [first, { ...second, finishReason: "aborted", answer: "The skip should stop at the end of" }] }),
  ],
  locked: [snapshot({ agent: { ...reviewer, lockedElsewhere: true, tier: "warm" }, turns: [first], readOnly: locked })],
  lockedFailed: [
    snapshot({
      agent: { ...reviewer, lockedElsewhere: true, tier: "warm" },
      turns: [first, turn("t12", "Compare every rule.", "", { state: "failed", problem: poolExhausted })],
      readOnly: locked,
    }),
  ],
  loading: [
    snapshot({
      turns: [first],
      engine: {
        state: { type: "loading", model: "Qwen2.5-Coder 3B, 4-bit", done: 1.08 * 1024 ** 3, total: 1.74 * 1024 ** 3 },
        actions: [{ id: "cancelLoad", label: "Cancel" }],
      },
    }),
  ],
  noModel: [
    snapshot({
      turns: [first],
      engine: {
        state: { type: "noModel" },
        actions: [
          { id: "chooseModel", label: "Choose Model…" },
          { id: "getStarter", label: "Get Starter Model" },
        ],
      },
    }),
  ],
  addonMissing: [
    snapshot({
      turns: [first],
      engine: {
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
      },
    }),
  ],
};
