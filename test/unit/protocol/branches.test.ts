import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { branchRows, branchTree } from "../../../src/protocol/branches";
import type { TurnChain } from "../../../src/protocol/service";

const formats = createFormats("en");
const minute = 60_000;
const now = 1_000 * minute;

function chain(turn: string, change: Partial<TurnChain> = {}): TurnChain {
  const base = { current: false, isEnd: true, user: "Tell me a fairy tale", answer: `Answer ${turn}`, turns: 1 };
  return { ...base, turn, tokens: 100, createdAt: now, ...change };
}

/** Turns 1 to 3, then three answers to the fourth message, of which the last is current. */
const regenerated: readonly TurnChain[] = [
  chain("t3", { current: true, isEnd: false, turns: 3, tokens: 300 }),
  chain("t4", { after: "t3", tokens: 3294, createdAt: now - 12 * minute, answer: "Once upon a time\n\na dragon" }),
  chain("t5", { after: "t3", turns: 2, tokens: 410, createdAt: now - 5 * minute, answer: "There was a cave" }),
  chain("t7", { after: "t3", current: true, tokens: 390, createdAt: now - minute, answer: "Far away" }),
];

describe("the branches of a conversation in words", () => {
  it("are told apart by answer, place, turns, tokens and time, though all answer the same message", () => {
    const rows = branchRows(regenerated, formats, now);
    assert.deepEqual(
      rows.map(({ title, facts }) => `${title}: ${facts}`),
      [
        "Far away: after turn 3 · 1 turn · 390 tokens · 1 min. ago",
        "There was a cave: after turn 3 · 2 turns · 410 tokens · 5 min. ago",
        "Once upon a time a dragon: after turn 3 · 1 turn · 3,294 tokens · 12 min. ago",
      ],
    );
    assert.equal(new Set(rows.map(({ title, facts }) => title + facts)).size, rows.length);
    assert.deepEqual(
      rows.map(({ isHead }) => isHead),
      [true, false, false],
    );
  });

  it("name the message too where it is another one, and instead of an answer that is not there", () => {
    const edited = [
      chain("t1", { current: true }),
      chain("t2", { user: "Tell me a joke" }),
      chain("t3", { answer: "" }),
    ];
    const rows = new Map(branchRows(edited, formats, now).map((row) => [row.turn, row]));
    assert.equal(rows.get("t2")?.message, "Tell me a joke");
    assert.equal(rows.get("t3")?.title, "Tell me a fairy tale");
    assert.equal(
      branchRows(regenerated, formats, now).some(({ message }) => message !== undefined),
      false,
    );
  });

  it("that begin with a summary say what it stands for", () => {
    const summary = chain("t4", { user: "[A summary …]", answer: "I have read it.", summary: { turns: 12 } });
    const rows = branchRows([chain("t3", { current: true }), summary], formats, now);
    const { title, message } = rows.find(({ turn }) => turn === "t4") ?? {};
    assert.deepEqual([title, message], ["Summary of 12 earlier turns", undefined]);
  });

  it("name the tools that were called where nothing was said, and tell of a turn's further steps", () => {
    const steps = [
      chain("t1", { current: true, isEnd: false, answer: "", called: ["search", "read_file"] }),
      chain("t2", { after: "t1", user: "", answer: "", called: ["look"], turns: 0, steps: 1 }),
      chain("t4", { after: "t1", user: "", answer: "Done", current: true, turns: 1, steps: 2 }),
      chain("t5", { user: "Another message", answer: "", called: ["look"] }),
    ];
    const rows = new Map(branchRows(steps, formats, now).map((row) => [row.turn, row]));
    assert.equal(rows.get("t2")?.title, "calls look");
    assert.match(rows.get("t2")?.facts ?? "", /^in turn 1 · 1 step · 100 tokens/);
    assert.match(rows.get("t4")?.facts ?? "", /^in turn 1 · 1 turn · 2 further steps · 100 tokens/);
    assert.equal(rows.get("t2")?.message, undefined);
    assert.deepEqual([rows.get("t5")?.title, rows.get("t5")?.message], ["calls look", "Another message"]);
  });

  it("show an answer's words, not its Markdown", () => {
    const titleOf = (answer: string) => branchRows([chain("t1", { answer })], formats, now)[0]?.title;
    assert.equal(
      titleOf("# Plan\n\nUse `limit` **always**:\n\n```ts\nlet x_y = 1;"),
      "Plan Use limit always: let x_y = 1;",
    );
    assert.equal(titleOf("```ts"), "```ts");
  });

  it("are told in the display language", () => {
    const [row] = branchRows([chain("t1", { tokens: 1204, createdAt: now - 5 * minute })], createFormats("de"), now);
    assert.match(row?.facts ?? "", /1\.204.*vor 5 Min\./);
  });

  it("count the head as one of them where it stands before the end of its branch", () => {
    const rewound = [chain("t2", { current: true, isEnd: false, turns: 2 }), chain("t4", { after: "t2", turns: 2 })];
    const rows = branchRows(rewound, formats, now);
    assert.deepEqual(
      rows.map(({ turn, isHead }) => [turn, isHead]),
      [
        ["t2", true],
        ["t4", false],
      ],
    );
    assert.match(rows[1]?.facts ?? "", /^after turn 2 · 2 turns/);
  });

  it("have no current one where the head is before the first turn", () => {
    assert.deepEqual(
      branchRows([chain("t1")], formats, now).map(({ isHead, facts }) => [isHead, facts.split(" · ")[0]]),
      [[false, "from the start"]],
    );
  });
});

describe("the tree of branches", () => {
  const nested: readonly TurnChain[] = [
    chain("t1", { current: true, isEnd: false }),
    chain("t2", { after: "t1", isEnd: false }),
    chain("t3", { after: "t2" }),
    chain("t4", { after: "t2" }),
    chain("t5", { after: "t1", current: true }),
  ];

  it("puts what leaves behind where it leaves, deeper, and the current branch last", () => {
    const { rows, more } = branchTree(nested, formats, now);
    assert.deepEqual(
      rows.map(({ turn, depth, isCurrent }) => `${turn} ${depth}${isCurrent ? " current" : ""}`),
      ["t1 0 current", "t2 1", "t3 2", "t4 2", "t5 0 current"],
    );
    assert.equal(more, 0);
  });

  it("is bounded: the current branch and the newest ends stay, with what leads to them, and the rest is counted", () => {
    const many = Array.from({ length: 500 }, (_, index) => chain(`b${index}`, { after: "t1", createdAt: index }));
    const { rows, more } = branchTree([...nested, ...many], formats, now, 10);
    assert.equal(rows.length, 10);
    assert.equal(more, 495);
    const shown = new Set(rows.map(({ turn }) => turn));
    for (const turn of ["t1", "t5", "t2", "t3", "t4", "b499"]) assert(shown.has(turn), turn);
    assert(!shown.has("b0"));
  });

  it("is made in one pass of a chain that forks at each of ten thousand turns", () => {
    const deep = Array.from({ length: 10_000 }, (_, index) => [
      chain(`c${index}`, { isEnd: false, current: true, ...(index > 0 ? { after: `c${index - 1}` } : {}) }),
      chain(`e${index}`, { after: `c${index}` }),
    ]).flat();
    const { rows } = branchTree(deep, formats, now);
    assert.equal(rows.length, 60);
    assert.equal(rows.at(-1)?.turn, "c9999");
  });
});
