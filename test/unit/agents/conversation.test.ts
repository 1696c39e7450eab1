import assert from "node:assert/strict";
import fc from "fast-check";
import { Conversation } from "../../../src/agents/conversation";
import { joinIds, type TurnRecord } from "../../../src/agents/turnRecords";
import { countTokens, isUnanswered, type Turn, TurnTree } from "../../../src/agents/turnTree";
import { userInput } from "../../../src/common/messages";
import { commonPrefix } from "../../../src/engine/tokenHistory";
import type { TurnId } from "../../../src/protocol/service";
import type { Segment } from "../../../src/text/messages";
import type { PromptBuilder } from "../../../src/text/prompt";
import { fakeText } from "../../support/agents/fakeText";

const { prompts } = fakeText([7]);

/** The history after `head` from its first segment: what a turn that is worked out once must not differ from. */
function historyOf(tree: TurnTree, head: TurnId | undefined, builder: PromptBuilder): readonly Segment[] {
  let history: readonly Segment[] = [];
  for (const turn of tree.branch(head)) {
    if (turn.prompt === undefined || isUnanswered(turn)) continue;
    const said = builder.answerSegments({ ids: turn.answerIds, text: turn.answerText });
    history = [...history.slice(0, turn.prompt.keep), ...turn.prompt.segments, ...said];
  }
  return history;
}

const idsOf = (segments: readonly Segment[]) => joinIds(segments.map(({ ids }) => ids));

/** What was read and said up to the end of a turn, id by id. */
function readUpTo(tree: TurnTree, turn: Turn): Int32Array {
  if (turn.prompt === undefined) return new Int32Array(0);
  const before = historyOf(tree, turn.parent, prompts).slice(0, turn.prompt.keep);
  return joinIds([idsOf(before), idsOf(turn.prompt.segments), turn.answerIds]);
}

/** Few ids and letters, so that histories agree by accident too. */
const ids = fc.array(fc.integer({ min: 5, max: 7 }), { maxLength: 5 }).map((list) => Int32Array.from(list));
const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 });
const turnOf = fc.record({
  behind: fc.nat(10),
  keep: fc.nat(6),
  segments: fc.option(fc.array(fc.record({ kind: fc.constant("prompt" as const), text, ids }), { maxLength: 2 })),
  answer: fc.array(fc.record({ text, ids }), { maxLength: 3 }),
  end: fc.constantFrom("done", "failed", "none"),
  user: text,
});

const figures = { promptTokens: 0, reusedTokens: 0, prefilledTokens: 0, generatedTokens: 0 } as const;
const noTimes = { ttftMs: 0, restoreMs: 0, decodeTokensPerSecond: 0, cache: { tier: "cold" } } as const;

/** `look`: called whenever a record was added. */
async function grow(
  turns: readonly (typeof turnOf extends fc.Arbitrary<infer T> ? T : never)[],
  look: (tree: TurnTree) => Promise<void>,
) {
  const tree = new TurnTree();
  const apply = async (record: TurnRecord) => {
    tree.apply(record);
    await look(tree);
  };
  for (const [index, { behind, keep, segments, answer, end, user }] of turns.entries()) {
    const turn = tree.nextId();
    const parent = behind % (index + 1);
    await apply({
      type: "turn",
      turn,
      input: userInput(user),
      at: 0,
      ...(parent === 0 ? {} : { parent: `t${parent}` }),
    });
    if (segments !== null) await apply({ type: "prompt", turn, keep, segments, tokens: 3 });
    for (const part of answer) await apply({ type: "answer", turn, ...part });
    const error = { code: "INTERNAL", what: "", advice: "", facts: {} } as const;
    if (end === "failed") await apply({ type: "end", turn, state: "failed", error });
    if (end === "done") {
      await apply({ type: "end", turn, state: "done", finishReason: "stop", figures: { ...figures, ...noTimes } });
    }
  }
  return tree;
}

describe("A conversation", () => {
  it("has the ids that its segments give from the first, whatever turns grow, fail and branch", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(turnOf, { maxLength: 10 }), fc.nat(10), async (turns, seed) => {
        const conversations = new Map<TurnTree, Conversation>();
        const tree = await grow(turns, async (growing) => {
          const conversation = conversations.get(growing) ?? new Conversation(growing);
          conversations.set(growing, conversation);
          const all = growing.all();
          // The newest, which is still growing, and some other.
          for (const { id } of [all.at(-1), all[seed % all.length]].filter((turn) => turn !== undefined)) {
            assert.deepEqual(await conversation.ids(id, prompts), idsOf(historyOf(growing, id, prompts)));
          }
        });
        const conversation = conversations.get(tree) ?? new Conversation(tree);
        for (const { id } of tree.all()) {
          assert.deepEqual(await conversation.ids(id, prompts), idsOf(historyOf(tree, id, prompts)));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("finds the saved histories that agree, as if each was compared from its first token", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(turnOf, { maxLength: 10 }), ids, ids, fc.nat(12), async (turns, more, other, start) => {
        const tree = await grow(turns, async () => {});
        const histories = tree
          .all()
          .filter(({ prompt }) => prompt !== undefined)
          .map((turn) => readUpTo(tree, turn));
        const count = 4;
        const conversation = new Conversation(tree);
        for (const wanted of [other, ...histories.map((history) => joinIds([history.subarray(0, start + 2), more]))]) {
          const expected = histories
            .map((history) => ({ history, agreeing: commonPrefix(history, wanted) - start }))
            .filter(({ history, agreeing }) => agreeing > 0 && history.length >= start + count)
            .sort((a, b) => b.agreeing - a.agreeing)
            .map(({ history, agreeing }) => ({ tokens: history.slice(start, start + count), agreeing }));
          assert.deepEqual(await conversation.continuations(wanted, start, count, prompts), expected);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("of 1,000 turns asks for the text of each answer once, and of another model's once more", async () => {
    let asked = 0;
    const counting = (): PromptBuilder => {
      const own = fakeText([7]).prompts;
      const { answerSegments } = own;
      own.answerSegments = (answer) => {
        asked += 1;
        return answerSegments.call(own, answer);
      };
      return own;
    };
    const tree = new TurnTree();
    const conversation = new Conversation(tree);
    const builder = counting();
    for (let index = 0; index < 1000; index += 1) {
      const turn = tree.nextId();
      const segments = [{ kind: "prompt", text: "q", ids: Int32Array.of(1) } as const];
      tree.apply({ type: "turn", turn, input: userInput("q"), at: 0, ...(index === 0 ? {} : { parent: `t${index}` }) });
      tree.apply({ type: "prompt", turn, keep: 2 * index, segments, tokens: 2 * index + 1 });
      tree.apply({ type: "answer", turn, text: "a", ids: Int32Array.of(2) });
      if (index % 10 === 0) await conversation.ids(turn, builder);
    }
    const all = await conversation.ids("t1000", builder);
    assert.equal(all.length, 2000);
    await conversation.continuations(all, 128, 64, builder);
    assert.equal(asked, 1000);
    assert.equal(countTokens(tree, "t1000"), 2000);
    await conversation.ids("t1000", counting());
    assert.equal(asked, 2000);
  });
});

describe("An answer in the making", () => {
  it("leaves the ids that were seen before as they were", () => {
    fc.assert(
      fc.property(fc.array(ids, { maxLength: 12 }), (parts) => {
        const tree = new TurnTree();
        tree.apply({ type: "turn", turn: "t1", input: userInput("q"), at: 0 });
        const seen: { readonly now: Int32Array | undefined; readonly expected: Int32Array }[] = [];
        for (const [index, part] of parts.entries()) {
          tree.apply({ type: "answer", turn: "t1", text: "", ids: part });
          seen.push({ now: tree.get("t1")?.answerIds, expected: joinIds(parts.slice(0, index + 1)) });
        }
        for (const { now, expected } of seen) assert.deepEqual(now, expected);
      }),
    );
  });
});
