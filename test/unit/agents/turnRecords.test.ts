import assert from "node:assert/strict";
import fc from "fast-check";
import { answerBudget } from "../../../src/agents/answerBudget";
import { userText } from "../../../src/agents/turnInput";
import { decodeRecord, encodeRecord, type LogRecord } from "../../../src/agents/turnRecords";
import { TurnTree } from "../../../src/agents/turnTree";
import { type Attachment, attachmentKinds } from "../../../src/common/attachments";
import { type ChatMessage, userInput } from "../../../src/common/messages";
import { MalformedJson } from "../../../src/store/json";
import { readLogs } from "../../../src/store/logReader";
import { emptyEnd, TurnLogWriter } from "../../../src/store/turnLog";
import { bytesIn } from "../../support/store/bytesIn";

const ids = fc.array(fc.nat(50_000), { maxLength: 8 }).map((list) => Int32Array.from(list));
const text = fc.string({ unit: "grapheme" });
const turn = fc.nat(20).map((n) => `t${n}`);
const figuresOfOldLogs = {
  promptTokens: fc.nat(),
  reusedTokens: fc.nat(),
  prefilledTokens: fc.nat(),
  generatedTokens: fc.nat(),
  ttftMs: fc.integer({ min: 0 }),
  restoreMs: fc.integer({ min: 0 }),
  decodeTokensPerSecond: fc.integer({ min: 0 }),
  cache: fc.oneof(
    fc.record({ tier: fc.constantFrom("hot" as const, "cold" as const) }),
    fc.record({
      tier: fc.constant("warm" as const),
      refused: fc.record({ code: text, reason: text, atToken: fc.nat() }),
    }),
  ),
} as const;
const figures = fc.oneof(
  fc.record(figuresOfOldLogs),
  fc.record({ ...figuresOfOldLogs, waitMs: fc.nat() }),
  fc.record({ ...figuresOfOldLogs, waitMs: fc.nat(), modelMs: fc.nat() }),
  fc.record({ ...figuresOfOldLogs, thinking: fc.record({ tokens: fc.nat(), ms: fc.nat() }) }),
);

const attachment: fc.Arbitrary<Attachment> = fc.oneof(
  fc.record({ kind: fc.constantFrom(...attachmentKinds), path: text, digest: text, text }),
  fc.record({
    ...{ kind: fc.constant("selection" as const), path: text, digest: text, text },
    range: fc.record({ from: fc.nat(), to: fc.nat() }),
  }),
);

const message: fc.Arbitrary<ChatMessage> = fc.oneof(
  fc.record({
    ...{ role: fc.constant("user" as const), content: text },
    attachments: fc.array(attachment, { minLength: 1 }),
  }),
  fc.record({ role: fc.constant("user" as const), content: text }),
  fc.record({ role: fc.constant("tool" as const), content: text, call: text, name: text }),
  fc.record({
    ...{ role: fc.constant("tool" as const), content: text, call: text, name: text },
    failed: fc.constant(true),
  }),
);

const records: fc.Arbitrary<LogRecord> = fc.oneof(
  fc.record({
    type: fc.constant("files" as const),
    files: fc.array(fc.oneof(fc.record({ path: text, digest: text, text }), fc.record({ path: text, digest: text }))),
  }),
  fc.record({ type: fc.constant("turn" as const), turn, input: text.map(userInput), at: fc.nat() }),
  fc.record({ type: fc.constant("turn" as const), turn, parent: turn, input: text.map(userInput), at: fc.nat() }),
  fc.record({ type: fc.constant("turn" as const), turn, input: fc.array(message, { minLength: 1 }), at: fc.nat() }),
  fc.record({
    ...{ type: fc.constant("answer" as const), turn, text, raw: text, ids },
    calls: fc.array(fc.record({ id: text, name: text, arguments: fc.dictionary(text, fc.jsonValue()) }), {
      minLength: 1,
    }),
    dropped: fc.record({ reason: fc.constantFrom("cut" as const, "malformed" as const), name: text, text }),
  }),
  fc.record({
    type: fc.constant("prompt" as const),
    turn,
    keep: fc.nat(5),
    tokens: fc.nat(),
    segments: fc.array(fc.record({ kind: fc.constantFrom("prompt" as const, "answer" as const), text, ids }), {
      maxLength: 3,
    }),
  }),
  fc.record({ type: fc.constant("answer" as const), turn, text, ids }),
  fc.record({ type: fc.constant("answer" as const), turn, thought: fc.string({ minLength: 1 }), text, ids }),
  fc.record({
    type: fc.constant("end" as const),
    turn,
    state: fc.constant("done" as const),
    finishReason: fc.constantFrom("stop" as const, "length" as const, "aborted" as const),
    figures,
  }),
  fc.record({
    type: fc.constant("end" as const),
    turn,
    state: fc.constant("failed" as const),
    error: fc.record({
      code: fc.constant("POOL_EXHAUSTED" as const),
      what: text,
      advice: text,
      facts: fc.constant({ needed: 20, total: 10 }),
    }),
  }),
);

describe("turn records", () => {
  it("come back from the log as they were written", () =>
    fc.assert(
      fc.asyncProperty(fc.array(records, { maxLength: 10 }), async (list) => {
        const writer = new TurnLogWriter(emptyEnd());
        for (const record of list) writer.append(encodeRecord(record));
        const { turnBytes, tokenBytes, committed } = writer.pending();
        const { entries } = await readLogs(bytesIn(turnBytes), bytesIn(tokenBytes), { committed });
        const plain = (record: LogRecord): unknown => JSON.parse(JSON.stringify(record));
        assert.deepEqual(entries.map(decodeRecord).map(plain), list.map(plain));
      }),
    ));

  it("of no known type are refused", () => {
    const tokens = new Int32Array(0);
    const segments = [{ kind: "prompt", text: "", count: 3 }];
    const prompt = { type: "prompt", turn: "t1", keep: 0, tokens: 3 };
    for (const body of [
      {},
      { type: "note", turn: "t1" },
      { type: "end", turn: "t1", state: "done" },
      { ...prompt, segments: "all" },
      { type: "files", files: [{ path: "a" }] },
      { type: "turn", turn: "t1", at: 0, input: [{ role: "user", content: "", attachments: [{ kind: "image" }] }] },
    ]) {
      assert.throws(() => decodeRecord({ body, tokens }), MalformedJson);
    }
    // Segments that claim more or fewer tokens than there are.
    for (const count of [2, 4]) {
      assert.throws(
        () => decodeRecord({ body: { ...prompt, segments }, tokens: new Int32Array(count) }),
        MalformedJson,
      );
    }
  });
});

describe("turn tree", () => {
  it("has every turn on the head's branch or on one of the others, whatever was rewound", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { minLength: 1, maxLength: 30 }), fc.nat(30), (parents, headSeed) => {
        const tree = new TurnTree();
        for (const [index, seed] of parents.entries()) {
          const base = { type: "turn", turn: tree.nextId(), input: userInput(`message ${index}`), at: index } as const;
          const parent = seed % (index + 1);
          tree.apply(parent === 0 ? base : { ...base, parent: `t${parent}` });
        }
        const head = `t${(headSeed % parents.length) + 1}`;
        const seen = new Set(tree.branch(head).map((item) => item.id));
        const chains = tree.chains(head);
        const ends = new Set(chains.map((chain) => chain.turn));
        for (const { turn: end, after, current, isEnd, turns, user } of chains) {
          const own = tree.branch(end).slice(-turns);
          assert.equal(own.length, turns);
          assert.equal(own[0]?.parent, after);
          assert.equal(userText(own[0]?.input ?? []), user);
          assert.ok(after === undefined || ends.has(after));
          assert.equal(isEnd, !tree.all().some((item) => item.parent === end));
          assert.ok(own.every((item) => tree.branch(head).some(({ id }) => id === item.id) === current));
          for (const item of own) seen.add(item.id);
        }
        assert.equal(seen.size, parents.length);
        assert.equal(chains.length === 0, tree.branch(head).length === parents.length);
        const inChains = chains.reduce((sum, { turns }) => sum + turns, 0);
        assert.ok(chains.length === 0 || inChains === parents.length);
      }),
    );
  });
});

describe("a forged log", () => {
  const base = { type: "turn", input: userInput(""), at: 0 } as const;

  it("has no turn that is its own parent, before its parent, or there twice, and no part of a turn that is not there", () => {
    const forged: readonly (readonly LogRecord[])[] = [
      [{ ...base, turn: "t1", parent: "t1" }],
      [
        { ...base, turn: "t1", parent: "t2" },
        { ...base, turn: "t2", parent: "t1" },
      ],
      [
        { ...base, turn: "t1" },
        { ...base, turn: "t2", parent: "t1" },
        { ...base, turn: "t1", parent: "t2" },
      ],
      [{ type: "answer", turn: "t9", text: "", ids: new Int32Array(0) }],
      [{ type: "files", files: [{ path: "a", digest: "" }] }],
    ];
    for (const list of forged) {
      const tree = new TurnTree();
      assert.throws(() => {
        for (const record of list) tree.apply(record);
      }, MalformedJson);
      for (const { id } of tree.all()) assert.ok(tree.branch(id).length <= list.length);
    }
  });

  it("gives new turns ids that are not taken", () => {
    const tree = new TurnTree();
    tree.apply({ ...base, turn: "t3" });
    tree.apply({ ...base, turn: "t4" });
    assert.deepEqual(tree.nextIds(3), ["t5", "t6", "t7"]);
    tree.apply({ ...base, turn: "t1" });
    assert.equal(tree.nextId(), "t5");
  });

  it("of 200,000 turns with as many branches, and of as many parts of an answer, is told in linear time", () => {
    const tree = new TurnTree();
    const half = 100_000;
    for (let n = 1; n <= half; n += 1) {
      tree.apply(n === 1 ? { ...base, turn: "t1" } : { ...base, turn: `t${n}`, parent: `t${n - 1}` });
    }
    for (let n = 1; n <= half; n += 1) tree.apply({ ...base, turn: `b${n}`, parent: `t${half}` });
    for (let n = 0; n < 2 * half; n += 1) {
      tree.apply({ type: "answer", turn: "t1", text: "a", ids: Int32Array.from([n]) });
    }
    assert.equal(tree.chains("b7").length, half + 1);
    assert.equal(tree.chains(undefined)[0]?.turns, half);
    const { answerIds, answerText } = tree.get("t1") ?? assert.fail();
    assert.equal(answerText.length, 2 * half);
    assert.ok(answerIds.every((id, index) => id === index) && answerIds.length === 2 * half);
  }).timeout(60_000);

  it("changes no answer that was given out when a part is added", () => {
    const tree = new TurnTree();
    tree.apply({ ...base, turn: "t1" });
    const seen: Int32Array[] = [];
    for (let n = 0; n < 40; n += 1) {
      tree.apply({ type: "answer", turn: "t1", text: "", ids: Int32Array.from([n, n]) });
      seen.push(tree.get("t1")?.answerIds ?? assert.fail());
    }
    for (const [n, ids] of seen.entries())
      assert.deepEqual(
        [...ids],
        [...Array(n + 1).keys()].flatMap((k) => [k, k]),
      );
  });
});

describe("answer budget", () => {
  const limits = { contextTokens: 100, poolTokens: 1000 };

  it("is what is left of the context or of the pool, or less where less was asked for", () => {
    assert.equal(answerBudget(10, undefined, limits, 0), 90);
    assert.equal(answerBudget(90, undefined, limits, 0), 10);
    assert.equal(answerBudget(10, undefined, { ...limits, poolTokens: 20 }, 0), 11);
    assert.equal(answerBudget(10, 77, limits, 0), 77);
  });

  it("cuts what was asked for to what fits: no ceiling refuses a turn", () => {
    assert.equal(answerBudget(10, 91, limits, 0), 90);
    assert.equal(answerBudget(99, 1_000_000, limits, 0), 1);
    assert.equal(answerBudget(10, 50, { ...limits, poolTokens: 20 }, 0), 11);
  });

  it("refuses what leaves no room for one token", () => {
    assert.equal(answerBudget(99, undefined, limits, 0), 1);
    for (const wanted of [undefined, 1]) {
      assert.throws(() => answerBudget(100, wanted, limits, 40), {
        code: "CONTEXT_FULL",
        facts: { needed: 101, context: 100, kept: 40 },
      });
    }
  });
});
