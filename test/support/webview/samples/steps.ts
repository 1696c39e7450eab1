import type { ToolCall } from "../../../../src/common/tools";
import type { PageTurn } from "../../../../src/protocol/page";
import type { ResultView } from "../../../../src/protocol/service";
import { resultTexts } from "../../../../src/protocol/toolNames";
import { figures } from "./agents";
import { hostileName } from "./content";

function node(id: string, change: Partial<PageTurn>): PageTurn {
  return { id, user: "", answer: "", state: "done", finishReason: "calls", createdAt: 0, ...change };
}

const call = (id: string, name: string, given: ToolCall["arguments"]): ToolCall => ({ id, name, arguments: given });

const search = call("c1", "search", { text: "recoverTo(", path: "src" });
const read = call("c2", "read_file", { path: "src/parser/recover.ts", from: 80, to: 160 });
const list = call("c3", "list_files", { path: "test/parser" });
const write = call("c4", "write_file", {
  path: "test/parser/recover.test.ts",
  content: 'it("stops at the end of the function", () => {\n  assert.equal(parse(source).functions.length, 2);\n});\n',
});

const found: ResultView = {
  call: "c1",
  text: "src/parser/block.ts:41: return recoverTo(follow, limit);\nsrc/parser/interface.ts:12: recoverTo(follow);",
};
const code: ResultView = {
  call: "c2",
  text: "function recoverTo(follow: TokenSet, limit: number): Token {\n  let depth = 0;\n".repeat(60).slice(0, 4000),
  length: 6240,
};
const missing: ResultView = {
  call: "c3",
  text: "ENOENT: no such file or directory, scandir 'test/parser'",
  failed: true,
};

const looked = node("s1", {
  user: "Does anything call `recoverTo` with an open limit? Write the test that would have caught it.",
  thought: "I need the callers first, and the function itself.",
  answer: "I look for its callers first.",
  calls: [search, read],
  figures: { ...figures(1842, 37, 96, { cache: { tier: "warm" } }), thinking: { tokens: 12, ms: 240 } },
});
const listed = node("s2", {
  results: [found, code],
  answer: "`parseInterface` passes no limit. I look where its tests are.",
  calls: [list],
  figures: figures(1976, 1204, 41, { ttftMs: 2300 }),
});
const answered = node("s3", {
  results: [missing],
  answer:
    "Yes, one place: `parseInterface` passes no limit. There are no tests of the parser yet, so the test needs a folder of its own:\n\n```ts test/parser/recover.test.ts\nassert.equal(parse(source).functions.length, 2);\n```",
  finishReason: "stop",
  figures: figures(3221, 38, 88, { ttftMs: 96, decodeTokensPerSecond: 58 }),
});
const waiting = node("s3", {
  results: [missing],
  answer: "There are no tests of the parser yet. I make the first one, and look once more.",
  calls: [write, { ...search, id: "c5" }],
  figures: figures(3221, 38, 120, { ttftMs: 96, decodeTokensPerSecond: 58 }),
});

/** A turn of three steps. */
export const steps: readonly PageTurn[] = [looked, listed, answered];

/** Its last step waits for the results of two calls. */
export const stepsWaiting: readonly PageTurn[] = [looked, listed, waiting];

/** The person wrote instead, and the answer to that runs. */
export const stepsWentOn: readonly PageTurn[] = [
  ...stepsWaiting,
  node("s4", {
    results: ["c4", "c5"].map((id) => ({ call: id, text: "This was not run.", failed: true })),
    user: "Leave the test. Only tell me where the limit is missing.",
    answer: "In `parseInterface`, line 12.",
    finishReason: "stop",
    figures: figures(3379, 52, 9),
  }),
];

/** A further step whose answer runs. */
export const stepRunning: readonly PageTurn[] = [
  looked,
  listed,
  { id: "s3", user: "", results: [missing], answer: "", state: "running", createdAt: 0 },
];

const grammar = call("m1", "read_file", { path: "src/parser/grammar.ts" });
const limit = {
  path: "src/parser/interface.ts",
  old: "  recoverTo(follow);",
  new: "  recoverTo(follow, functionEnd(node));",
};

/** What each of eleven steps says, calls and gets, and the tokens that the step after it reads for that. */
const middle: readonly (readonly [string, ToolCall, Omit<ResultView, "call">, number])[] = [
  ["I look for its callers first.", search, found, 88],
  ["", read, code, 1204],
  ["", { ...read, id: "m2" }, { text: "src/parser/recover.ts, lines 1-80 of 160\n1\tx" }, 310],
  [
    "Now the grammar, for what follows a block.",
    grammar,
    { text: "src/parser/grammar.ts, lines 1-97 of 97\n1\tx" },
    861,
  ],
  ["", list, missing, 38],
  ["", call("m3", "edit_file", limit), { text: "The text does not stand in the file.", failed: true }, 64],
  ["The file has tabs.", call("m4", "edit_file", limit), { text: "Changed src/parser/interface.ts: +1 -1" }, 41],
  ["", { ...write, id: "m5" }, { text: "Made test/parser/recover.test.ts: +3 -0" }, 39],
  ["", call("m6", "run", { command: "npm test -- --grep recover" }), { text: "Exit code 0\n> mocha\n" }, 212],
  ["", call("m7", "run", { command: "git push" }), { text: `${resultTexts.denied} Not yet.`, failed: true }, 44],
  ["", call("m8", "search", { text: "functionEnd(" }), { text: "2 matches\na\nb" }, 64],
];

/** A turn of twelve steps that has ended: two calls failed, one was denied. */
export const manySteps: readonly PageTurn[] = [...middle, undefined].map((here, at) => {
  const before = middle[at - 1];
  return node(`m${at}`, {
    ...(before === undefined
      ? { user: "Where is the limit missing? Mend it, and prove it with a test." }
      : { results: [{ ...before[2], call: before[1].id }] }),
    answer: here?.[0] ?? "`parseInterface` passed no limit. It does now, and a test proves it.",
    ...(here === undefined
      ? { finishReason: "stop" }
      : { calls: [here[1]], ran: [{ call: here[1].id, ms: 14 + 97 * at, tokens: here[3] }] }),
    figures: figures(1842 + 300 * at, before?.[3] ?? 37, 41),
    createdAt: 1_700_000_000_000 + 1300 * at,
    ...(here?.[1].name === "edit_file" && here[2].failed !== true
      ? { changes: [{ path: limit.path, added: 1, removed: 1 }] }
      : {}),
  });
});

/** The same one while its last step runs. */
export const manyStepsRunning: readonly PageTurn[] = [
  ...manySteps.slice(0, -1),
  { ...nodeRunning(manySteps.at(-1)), answer: "`parseInterface` passed" },
];

function nodeRunning(turn: PageTurn | undefined): PageTurn {
  const { id = "", results = [], figures: taken } = turn ?? {};
  return { id, user: "", results, answer: "", state: "running", createdAt: 0, ...(taken ? { figures: taken } : {}) };
}

/** A call that was cut, and one to a tool that is not there; another one has no text before it. */
export const dropped: readonly PageTurn[] = [
  node("s1", {
    user: "Write the test.",
    answer: "I write it now.",
    finishReason: "length",
    dropped: { reason: "cut", name: "write_file", text: '{"path": "test/parser/recover.test.ts", "content": "it(' },
    figures: figures(1842, 37, 64),
  }),
  node("s2", {
    user: "And the other one?",
    calls: [list],
    dropped: {
      reason: "unknown",
      name: hostileName,
      text: '<tool_call>\n{"name": "rm", "arguments": {}}\n</tool_call>',
    },
    figures: figures(1942, 37, 64),
  }),
  node("s3", {
    results: [missing],
    dropped: { reason: "malformed", text: `<function=${"x".repeat(300)}` },
    finishReason: "stop",
    figures: figures(2100, 12, 80),
  }),
];

const odd = `a\u202Eb\u0007\u001B[31mred\u0000 ${"long".repeat(120)} <img src=x onerror=alert(1)>`;

/** Names, arguments and results as nobody should send them. */
export const hostileSteps: readonly PageTurn[] = [
  node("s1", {
    user: "What is there?",
    answer: "",
    calls: [
      call("c1", hostileName, { [odd]: odd, deep: { list: [1, [2, [3, odd]]] } }),
      call("c2", "x".repeat(64), {}),
      call("c3", "\u05E9\u05DC\u05D5\u05DD", { "\u05E9": "\u05DC\u05D5\u05DD" }),
    ],
    figures: figures(1842, 37, 96),
  }),
  node("s2", {
    results: [
      { call: "c1", text: `${odd}\n${"\u202E".repeat(3000)}`, length: 10_485_760 },
      { call: "c2", text: "" },
      { call: "c3", text: odd, failed: true },
    ],
    answer: "Nothing.",
    finishReason: "stop",
    figures: figures(1942, 37, 64),
  }),
];
