import type { AttachmentChip, PageTurn, Problem } from "../../../../src/protocol/page";
import type { RoomAnswer, RoomMember, RoomMessage, RoomSnapshot, RoomUpdate } from "../../../../src/protocol/room";
import { agent, figures, model, onServer, ready } from "./agents";
import { contents, hostileName } from "./content";

const reviewer = agent(0, "Parser reviewer", { tokens: 3527 });
const writer = agent(1, "Test writer", { tokens: 11_943, state: "answering" });
const editor = agent(2, "Doc editor", { tier: "warm", tokens: 5952, state: "reading" });
const notes = agent(4, "Old notes", {
  tier: "cold",
  damage: { code: "AGENT_CORRUPT", what: "", advice: "", facts: {} },
});
const planner = agent(3, "Migration planner", { tier: "warm", lockedElsewhere: true, tokens: 30_912 });

const locked: Problem = {
  error: {
    code: "AGENT_LOCKED",
    what: "open in another window, read only here",
    advice: "continue it there, or fork it to go on here",
    facts: {},
  },
  actions: [{ id: "fork", label: "Fork Agent…" }],
};

const damaged: Problem = {
  error: {
    code: "AGENT_CORRUPT",
    what: "the turn log of “Old notes” is damaged at record 12",
    advice: "repair the agent",
    facts: {},
  },
  kept: "What can be read of it is kept.",
  actions: [
    { id: "repair", label: "Repair Agent" },
    { id: "showLog", label: "Show Log" },
  ],
};

const members: readonly RoomMember[] = [
  { agent: reviewer, asked: true },
  { agent: writer, asked: true },
  { agent: editor, asked: true },
  { agent: planner, asked: true, unavailable: locked },
];

function turn(id: string, answer: string, change: Partial<PageTurn> = {}): PageTurn {
  return { id, user: "", answer, state: "done", finishReason: "stop", createdAt: 0, ...change };
}

function answered({ id, name, index }: typeof reviewer, change: Partial<RoomAnswer>): RoomAnswer {
  return { agent: id, name, index, folded: false, ...change };
}

const first: RoomMessage = {
  id: "m1",
  text: "add a case for CRLF line ends.",
  to: [writer.id],
  askedAt: 0,
  endedAt: 1700,
  answers: [
    answered(writer, {
      folded: true,
      turn: turn("a1", "Added “CRLF after a missing brace” beside the LF case.", { figures: figures(1, 1, 96) }),
    }),
  ],
};

const second: RoomMessage = {
  id: "m2",
  text: "Is it safe to make readBlock async?",
  to: "all",
  askedAt: 0,
  answers: [
    answered(reviewer, {
      turn: turn(
        "a2",
        "For callers in `parseBlock`, yes: they already await the lexer. `recoverTo` must stay synchronous, because it restores `pos` on failure.",
        { figures: figures(3424, 38, 64, { ttftMs: 96, decodeTokensPerSecond: 41 }) },
      ),
    }),
    answered(writer, { turn: turn("a3", "", { state: "running" }) }),
    answered(editor, { turn: turn("a4", "", { state: "running" }) }),
    answered(planner, { refusal: locked }),
  ],
};

const streamed: readonly RoomUpdate[] = [
  {
    type: "text",
    message: "m2",
    agent: writer.id,
    delta: {
      offset: 0,
      text: "Two tests would break:\n\n- `reads nested blocks` compares positions right after the call.\n- `reports one error` counts diagnostics before the",
      figures: figures(11_864, 38, 41, { ttftMs: 112, decodeTokensPerSecond: 38 }),
    },
  },
  {
    type: "progress",
    message: "m2",
    agent: editor.id,
    progress: { type: "prefill", done: 512, total: 1870, reused: 5952, tokensPerSecond: 480 },
  },
];

const small = { directory: "/models/SmolLM2-135M-Instruct", name: "SmolLM2-135M-Instruct" };
const large = { directory: "/models/Qwen2.5-Coder-3B", name: "Qwen2.5-Coder-3B" };

const twoModels: RoomMessage = {
  ...second,
  answers: [
    answered(reviewer, {
      model: small,
      turn: turn("b1", "Yes, if its callers await it.", { figures: figures(3424, 38, 64) }),
    }),
    answered(editor, {
      model: small,
      turn: turn("b2", "The guide says so too: `readBlock` may", {
        state: "running",
        figures: figures(5952, 38, 12, { decodeTokensPerSecond: 38 }),
      }),
    }),
    answered(writer, {
      model: large,
      turn: turn("b3", "", {
        state: "running",
        progress: {
          type: "waitingModel",
          reason: "1 turn of SmolLM2-135M-Instruct, then Qwen2.5-Coder-3B is loaded (1.74 GB)",
        },
      }),
    }),
  ],
};

const notAsked: RoomMessage = {
  ...second,
  endedAt: 20,
  answers: [answered(planner, { refusal: locked }), answered(notes, { refusal: damaged })],
};

const stopped = (id: string, text: string) =>
  turn(id, text, { finishReason: "aborted", figures: figures(3424, 38, text === "" ? 0 : 21) });

const allStopped: RoomMessage = {
  ...second,
  endedAt: 3100,
  answers: [
    answered(reviewer, { turn: stopped("c1", "For callers in `parseBlock`, yes: they already await the") }),
    answered(writer, { turn: stopped("c2", "Two tests would break, and") }),
    answered(editor, { turn: stopped("c3", "") }),
  ],
};

/** An answer that called two tools. */
const called: Partial<PageTurn> = {
  finishReason: "calls",
  calls: [
    { id: "c1", name: "search", arguments: { text: "readBlock(", path: "src" } },
    { id: "c2", name: "read_file", arguments: { path: "src/parser/block.ts" } },
  ],
  figures: figures(3424, 38, 64),
};

/** As many messages as the room keeps. */
const long: readonly RoomMessage[] = Array.from({ length: 30 }, (_, at) => ({
  ...second,
  id: `n${at}`,
  endedAt: 900,
  answers: [reviewer, writer].map((agent) =>
    answered(agent, {
      turn: turn(`n${at}-${agent.id}`, "Yes:\n\n```ts\nconst block = await readBlock();\n```\n\nThe rest stays.", {
        figures: figures(3424, 38, 21),
      }),
    }),
  ),
}));

const contextFull: Problem = {
  error: {
    code: "CONTEXT_FULL",
    what: "82 tokens to read do not fit: 40 are left of the context of 8,192",
    advice: "rewind the agent",
    facts: { contextTokens: 8192 },
  },
  kept: "Nothing was cut. Your message and the whole conversation are kept.",
  actions: [
    { id: "rewind", label: "Rewind…" },
    { id: "keepLastTurns", label: "Keep the Last Turns…" },
  ],
};

function snapshot(change: Partial<RoomSnapshot>): RoomUpdate {
  const base: RoomSnapshot = {
    settings: { language: "en" },
    engine: { state: ready, actions: [] },
    members,
    messages: [],
  };
  return { type: "snapshot", snapshot: { ...base, ...change } };
}

const exhausted: Problem = {
  error: {
    code: "POOL_EXHAUSTED",
    what: "this request needs 287 blocks of 64 tokens and the block pool has 256",
    advice: "raise the block pool's size",
    facts: { needed: 287, total: 256, blockTokens: 64 },
  },
  kept: "Your message is kept.",
  actions: [{ id: "growPool", label: "Grow Pool to 320 Blocks" }],
};

/** One of each colour, and two more; two have one name. */
const crowd = Array.from({ length: 8 }, (_, index) =>
  agent(index, index === 6 ? hostileName : index === 7 ? "Agent 1" : `Agent ${index + 1}`, {
    tier: index % 3 === 0 ? "hot" : index % 3 === 1 ? "warm" : "cold",
  }),
);

const kinds = Object.values(contents);

const asked: RoomMessage = {
  id: "m9",
  text: `what is in \`a\u202Eb\`? ${"w".repeat(200)}`,
  to: "all",
  askedAt: 0,
  endedAt: 1700,
  answers: crowd.map((one, index) =>
    answered(one, { turn: turn(`c${index}`, kinds[index % kinds.length] ?? "", { figures: figures(1, 1, 96) }) }),
  ),
};

/** What a message carries: of the draft, and of a message that was sent. */
const carried: readonly AttachmentChip[] = [
  { kind: "selection", path: "src/parser/recover.ts", range: { from: 88, to: 141 }, digest: "d1", length: 1_900 },
  { kind: "selection", path: hostileName, range: { from: 3, to: 3 }, digest: "d2", length: 12 },
];

export const roomSamples: Readonly<Record<string, readonly RoomUpdate[]>> = {
  attached: [
    snapshot({ messages: [{ ...first, attachments: carried }, second] }),
    { type: "attachments", attachments: carried },
  ],
  streaming: [snapshot({ messages: [first, second] }), ...streamed],
  mention: [snapshot({ messages: [first, second] }), ...streamed],
  mentionServers: [
    snapshot({
      members: [
        ...members.slice(0, 2),
        { agent: agent(4, "Tester", onServer), asked: true },
        {
          agent: agent(5, "Tester of everything in the cellar", {
            ...onServer,
            ...{ state: "answering", turnCount: 1 },
            server: { address: "http://the-large-machine-in-the-cellar.example.org:8000/v1", model: "tiny" },
          }),
          asked: true,
        },
      ],
      messages: [first],
    }),
  ],
  many: [
    snapshot({
      members: crowd.map((one) => ({ agent: one, asked: true })),
      messages: [asked, { ...asked, id: "m10", answers: asked.answers.slice(0, 2) }],
    }),
  ],
  empty: [snapshot({ members: [] })],
  failures: [
    snapshot({
      messages: [
        {
          ...second,
          endedAt: 4200,
          answers: [
            answered(reviewer, { turn: turn("a5", "", { state: "failed", problem: exhausted }) }),
            answered(writer, {
              turn: turn("a6", "Two tests would break, and", {
                finishReason: "aborted",
                figures: figures(768, 2386, 7, {
                  cache: {
                    tier: "warm",
                    refused: { code: "CHECKSUM", reason: "block 12 failed its checksum", atToken: 768 },
                  },
                }),
              }),
            }),
            answered(editor, {
              turn: turn("a7", "", { state: "running", progress: { type: "queued", neededBlocks: 40, turnsAhead: 2 } }),
            }),
          ],
        },
      ],
    }),
  ],
  noModel: [
    snapshot({
      messages: [first],
      engine: { state: { type: "noModel" }, actions: [{ id: "chooseModel", label: "Choose Model…" }] },
    }),
  ],
  twoModels: [
    snapshot({
      members: members.slice(0, 3),
      engine: {
        state: { type: "ready", model: { ...model, ...small }, device: "Metal", mlxVersion: "0.32.4" },
        actions: [],
      },
      messages: [first, twoModels],
    }),
  ],
  notAsked: [
    snapshot({
      members: [
        { agent: planner, asked: true, unavailable: locked },
        { agent: notes, asked: true, unavailable: damaged },
      ],
      messages: [notAsked],
    }),
  ],
  stopped: [
    snapshot({
      messages: [allStopped],
      selection: { label: "parse.ts:3–9", title: "src/parse.ts:3–9", lines: 7 },
    }),
  ],
  full: [
    snapshot({
      messages: [
        {
          ...second,
          endedAt: 900,
          answers: [
            answered(reviewer, { turn: turn("d1", "", { state: "failed", problem: contextFull }) }),
            answered(writer, { turn: turn("d2", "Yes.", { figures: figures(7900, 38, 2) }) }),
          ],
        },
      ],
    }),
  ],
  calls: [
    snapshot({
      messages: [
        {
          ...second,
          endedAt: 900,
          answers: [
            answered(reviewer, { turn: turn("f1", "I look for its callers first.", called) }),
            answered(writer, {
              turn: turn("f2", "", { ...called, dropped: { reason: "cut", name: "write_file", text: "{" } }),
            }),
            answered(editor, { folded: true, turn: turn("f3", "", called) }),
            answered(planner, {
              earlier: [turn("f4", "I look for its callers first.", called)],
              turn: turn("f5", "Two places call it, and both await it.", {
                results: [
                  { call: "c1", text: "src/parser/block.ts:41" },
                  { call: "c2", text: "ENOENT: no such file", failed: true },
                ],
                figures: figures(3500, 120, 32, { ttftMs: 210 }),
              }),
            }),
          ],
        },
      ],
    }),
  ],
  long: [snapshot({ messages: long })],
  waiting: [
    snapshot({
      messages: [
        {
          ...second,
          answers: [
            answered(reviewer, { turn: turn("e1", "", { state: "running" }) }),
            answered(writer, {
              turn: turn("e2", "", { state: "running", progress: { type: "restoring", tokens: 11_943 } }),
            }),
            answered(editor, {
              turn: turn("e3", "", { state: "running", progress: { type: "queued", neededBlocks: 40, turnsAhead: 2 } }),
            }),
          ],
        },
      ],
    }),
  ],
};
