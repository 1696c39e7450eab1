/** An agent that acts in the workspace: what it does, what it asks, what the person gave it. */
import type { ToolCall, ToolSpec } from "../../../../src/common/tools";
import type { ActingState, DiffLine, LiveCall } from "../../../../src/protocol/acting";
import type { WaysState } from "../../../../src/protocol/chatActing";
import type { FoundFile, PinnedFileState } from "../../../../src/protocol/chatFiles";
import type { AttachmentChip, PageTurn } from "../../../../src/protocol/page";
import { figures } from "./agents";
import { hostileName } from "./content";

function node(id: string, change: Partial<PageTurn>): PageTurn {
  return { id, user: "", answer: "", state: "done", finishReason: "calls", createdAt: 0, ...change };
}

const call = (id: string, name: string, given: ToolCall["arguments"]): ToolCall => ({ id, name, arguments: given });

const spec = (name: string): ToolSpec => ({ name, description: `What ${name} does.` });
export const nineTools = ["read_file", "list_files", "search", "edit_file", "write_file", "run"]
  .concat("problems", "ask_user", "delegate")
  .map(spec);

const before = `function recoverTo(follow: TokenSet): Token {
  while (current.kind !== TokenKind.Eof) {
    if (follow.has(current.kind)) break; /* it may be
    far away */ advance();
  }`;
const after = `function recoverTo(follow: TokenSet, limit: number): Token {
  while (current.kind !== TokenKind.Eof && current.pos < limit) {
    if (follow.has(current.kind)) break; /* it may be
    far away */ advance();
  }`;

const edit = call("e1", "edit_file", { path: "src/parser/recover.ts", old: before, new: after });
const run = call("r1", "run", { command: 'npm test -- --grep "recover"' });
const write = call("w1", "write_file", {
  path: "test/parser/recover.test.ts",
  content:
    'import assert from "node:assert/strict";\n\nit("stops at the end of the function", () => {\n  assert.equal(2, 2);\n});\n',
});
const ask = call("a1", "ask_user", { question: "Shall interfaces recover in the same way?" });
const delegate = call("d1", "delegate", { task: "Find all callers of recoverTo outside src/parser." });

const diff: readonly DiffLine[] = [
  { kind: "gap", text: "87 lines" },
  { kind: "removed", text: "function recoverTo(follow: TokenSet): Token {" },
  { kind: "added", text: "function recoverTo(follow: TokenSet, limit: number): Token {" },
  { kind: "removed", text: "  while (current.kind !== TokenKind.Eof) {" },
  { kind: "added", text: "  while (current.kind !== TokenKind.Eof && current.pos < limit) {" },
  { kind: "same", text: "    if (follow.has(current.kind)) break; /* it may be" },
  { kind: "same", text: "    far away */ advance();" },
  { kind: "same", text: "  }" },
  { kind: "gap", text: "214 lines" },
];

const output =
  "> parser@2.4.0 test\n> mocha --grep recover\n\n  recover\n    ✔ stops at the end of the function (4ms)\n";

const asked = node("g1", {
  user: "Make the skip stop at the end of the enclosing function, and prove it with a test.",
  answer: "I change the function, write the test, and run it.",
  calls: [edit, write, run],
  figures: figures(1842, 337, 196),
  attachments: [
    attached({ kind: "selection", path: "src/parser/recover.ts", range: { from: 88, to: 141 }, tokens: 861 }),
    attached({ kind: "problems", path: "Problems", tokens: 118 }),
  ],
});

function attached(change: Partial<AttachmentChip>): AttachmentChip {
  return { kind: "file", path: "src/parser/tokens.ts", digest: "0".repeat(64), length: 2400, ...change };
}

const approve = (choices: LiveCall["choices"], change: Partial<LiveCall>): LiveCall => ({
  call: "",
  kind: "write",
  state: "waiting",
  choices: choices ?? [],
  ...change,
});

/** An edit and a command wait for the person, and a file waits for its turn. */
export const actingWaits: { readonly turns: readonly PageTurn[]; readonly acting: ActingState } = {
  turns: [asked],
  acting: {
    calls: [
      approve(
        [
          { way: "allow", label: "Accept" },
          { way: "openDiff", label: "Open Diff" },
          { way: "always", label: "Accept All Edits" },
          { way: "deny", label: "Reject" },
        ],
        { call: "e1", question: "Edit src/parser/recover.ts (+2 −2)", diff },
      ),
      { call: "w1", kind: "write", state: "queued" },
      approve(
        [
          { way: "allow", label: "Run" },
          { way: "always", label: "Always Run `npm test`" },
          { way: "deny", label: "Deny" },
        ],
        { call: "r1", kind: "run", question: 'Run npm test -- --grep "recover"' },
      ),
    ],
  },
};

/** A command runs, the calls before it are done. */
export const actingRuns: { readonly turns: readonly PageTurn[]; readonly acting: ActingState } = {
  turns: [asked],
  acting: {
    calls: [
      { call: "e1", kind: "write", state: "done", diff, ms: 14 },
      { call: "w1", kind: "write", state: "denied" },
      { call: "r1", kind: "run", state: "running", output, ms: 4200 },
    ],
  },
};

/** The agent asks something. */
export const actingAsks: { readonly turns: readonly PageTurn[]; readonly acting: ActingState } = {
  turns: [
    node("g1", {
      user: "Fix it for interfaces too.",
      answer: "One thing first.",
      calls: [ask],
      figures: figures(1842, 37, 46),
    }),
  ],
  acting: {
    calls: [
      approve(
        [
          { way: "answer", label: "Answer" },
          { way: "deny", label: "Skip" },
        ],
        { call: "a1", kind: "ask", question: "Shall interfaces recover in the same way?" },
      ),
    ],
  },
};

/** Two delegates at work. */
export const actingDelegates: { readonly turns: readonly PageTurn[]; readonly acting: ActingState } = {
  turns: [
    node("g1", {
      user: "Who else calls it?",
      answer: "Two delegates look, each in one half.",
      calls: [delegate, { ...delegate, id: "d2", arguments: { task: "Find all callers of recoverTo in src/parser." } }],
      figures: figures(1842, 37, 46),
    }),
  ],
  acting: {
    calls: [
      { call: "d1", kind: "delegate", state: "done", delegate: "fork-1", ms: 6200 },
      { call: "d2", kind: "delegate", state: "running", delegate: "fork-2" },
    ],
  },
};

/** All of it is over: three steps, with what they took and changed. */
export const acted: readonly PageTurn[] = [
  {
    ...asked,
    ran: [
      { call: "e1", ms: 14, tokens: 38 },
      { call: "w1", ms: 6, tokens: 31 },
      { call: "r1", ms: 4260, tokens: 412 },
    ],
    changes: [
      { path: "src/parser/recover.ts", added: 2, removed: 2 },
      { path: "test/parser/recover.test.ts", added: 5, removed: 0 },
    ],
  },
  node("g2", {
    results: [
      { call: "e1", text: "Changed src/parser/recover.ts: +2 -2" },
      { call: "w1", text: "Made test/parser/recover.test.ts: +5 -0" },
      { call: "r1", text: `Exit code 1\n${output}  1 failing\n`, failed: true },
    ],
    answer: "The test fails because interfaces call it too. Who knows about those?",
    calls: [ask, delegate],
    figures: figures(2375, 481, 61),
    ran: [
      { call: "a1", ms: 9200, tokens: 12 },
      { call: "d1", ms: 6200, tokens: 88, delegate: "fork-1" },
    ],
  }),
  node("g3", {
    results: [
      { call: "a1", text: "Yes, in the same way." },
      { call: "d1", text: "One caller: src/interfaces/parse.ts:41." },
    ],
    answer: "Interfaces recover in the same way now. All 41 tests pass.",
    finishReason: "stop",
    figures: figures(2917, 100, 41),
  }),
];

export const actingStopped: ActingState = {
  calls: [],
  stopped: "It made the same call with the same result three times: search for `recoverTo(`.",
};

export const draftChips: readonly AttachmentChip[] = [
  attached({ kind: "selection", path: "src/parser/recover.ts", range: { from: 88, to: 141 }, tokens: 861 }),
  attached({ tokens: 612 }),
  attached({ kind: "folder", path: "test/parser" }),
  attached({
    path: "media/picture.png",
    digest: "",
    length: 0,
    problem: "This is an image, which the model cannot read.",
  }),
];

export const pinnedFiles: PinnedFileState = {
  files: [
    { path: "src/parser/grammar.ts", tokens: 2841, state: "read" },
    { path: "src/parser/recover.ts", tokens: 894, state: "changed" },
    { path: "src/parser/tokens.ts", tokens: 612, state: "read" },
    { path: "src/parser/generated.ts", state: "refused", problem: "It is larger than the model's context." },
  ],
  tokens: 4347,
  sharedWith: ["Test writer"],
};

export const renewedFiles: PinnedFileState = {
  files: Array.from({ length: 10 }, (_, at) => ({ path: `src/parser/part${at}.ts`, tokens: 120 + at, state: "read" })),
  tokens: 1245,
  renewed: { changed: 2, of: 10, tokensRead: 412 },
};

export const readingFiles: PinnedFileState = {
  files: [
    { path: "src/parser/grammar.ts", tokens: 2841, state: "read" },
    { path: "src/parser/recover.ts", state: "reading" },
  ],
  progress: { done: 2900, total: 3735 },
};

export const foundFiles: readonly FoundFile[] = [
  { path: "src/parser/recover.ts", isFolder: false },
  { path: "test/parser/recover.test.ts", isFolder: false },
  { path: "docs/recovery", isFolder: true },
  { path: `src/${hostileName.replaceAll("/", "")}`, isFolder: false },
];

const way = (id: string, answer: string, change: Partial<PageTurn> = {}) => ({
  turn: node(id, { answer, finishReason: "stop", figures: figures(3294, 45, 86), ...change }),
});

export const waysChosen: WaysState = {
  isOpen: true,
  ways: [
    way(
      "x1",
      "Pass the end of the **enclosing function** as a limit:\n\n```ts recover.ts\nrecoverTo(follow, functionEnd(node));\n```",
    ),
    { agent: "fork-1", ...way("x2", "Count braces while it skips, and stop below zero.") },
    {
      agent: "fork-2",
      earlier: [
        node("x3", { answer: "I look for its callers first.", calls: [call("c1", "search", { text: "recoverTo(" })] }),
      ],
      ...way("x4", "Stop at the first token of a declaration.", { results: [{ call: "c1", text: "2 matches\na\nb" }] }),
    },
  ],
};

export const waysRun: WaysState = {
  isOpen: false,
  ways: [
    way("x1", "Pass the end of the enclosing function", { state: "running" }),
    { agent: "fork-1", ...way("x2", "Count braces while", { state: "running" }) },
    {
      agent: "fork-2",
      turn: node("x3", {
        state: "running",
        progress: { type: "prefill", done: 12, total: 45, reused: 3294, tokensPerSecond: 515 },
      }),
    },
  ],
};

/** The turn of the agent itself, whose answer is one of them. */
export function ownWay({ ways: [own] }: WaysState): PageTurn {
  if (own === undefined) throw new Error("there are no ways");
  return { ...own.turn, user: "Where should it stop instead?" };
}

const odd = `a\u202Eb\u0007\u001B[31mred\u0000 ${"long".repeat(80)} <img src=x onerror=alert(1)>`;

/** Names, questions and outputs as nobody should send them. */
export const actingHostile: {
  readonly turns: readonly PageTurn[];
  readonly acting: ActingState;
  readonly attachments: readonly AttachmentChip[];
  readonly pinnedFiles: PinnedFileState;
} = {
  turns: [
    node("g1", {
      user: "What is there?",
      calls: [
        call("c1", "edit_file", { path: odd, old: odd, new: `${odd}\n${odd}` }),
        call("c2", "run", { command: `${odd}\n${odd}` }),
      ],
      attachments: [attached({ path: `src/${odd}`, tokens: 12 })],
      figures: figures(1842, 37, 96),
    }),
  ],
  acting: {
    calls: [
      approve([{ way: "allow", label: odd }], { call: "c1", question: odd, diff: [{ kind: "added", text: odd }] }),
      { call: "c2", kind: "run", state: "running", output: `${odd}\n`.repeat(20) },
    ],
  },
  attachments: [attached({ path: odd, problem: odd })],
  pinnedFiles: { files: [{ path: odd, state: "refused", problem: odd }], sharedWith: [hostileName] },
};
