import assert from "node:assert/strict";
import { readTextFiles } from "../../../src/models/modelDirectory";
import type {
  NativeGrammar,
  NativeGrammarRequest,
  NativeSampling,
  NativeVocabulary,
} from "../../../src/native/binding";
import { answerWords } from "../../../src/text/answerWords";
import { createTextModel, type TextModel } from "../../../src/text/textModel";
import { rejection } from "../../support/models/folders";
import { starterModel } from "../../support/models/starterModel";
import { NativeRig, type Part } from "../../support/native/nativeRig";

const person = {
  type: "object",
  properties: {
    name: { type: "string", maxLength: 12 },
    age: { type: "integer", minimum: 0, maximum: 150 },
    kind: { enum: ["cat", "dog"] },
    tame: { type: "boolean" },
  },
  required: ["name", "age", "kind", "tame"],
};

/** Text is free; a call is one of `read` with a path. */
const calls = {
  type: "structural_tag",
  format: {
    type: "triggered_tags",
    triggers: ["<call>"],
    tags: [
      {
        begin: '<call>{"name": "read", "arguments": ',
        content: {
          type: "json_schema",
          json_schema: { type: "object", properties: { path: { type: "string", maxLength: 8 } }, required: ["path"] },
        },
        end: "}</call>",
      },
    ],
  },
};

describe("Grammars on the addon", function () {
  this.timeout(240_000);
  let rig: NativeRig;
  let text: TextModel;
  let vocabulary: NativeVocabulary;
  let schema: NativeGrammar;
  let tags: NativeGrammar;
  const compile = (kind: NativeGrammarRequest["kind"], source: unknown) =>
    rig.model.compileGrammar({ kind, text: JSON.stringify(source), vocabulary });

  before(async () => {
    rig = await NativeRig.load(starterModel, 400);
    text = createTextModel(await readTextFiles(starterModel));
    vocabulary = await rig.model.createVocabulary(answerWords(text.tokenizer, rig.model.info.vocabSize));
    schema = await compile("jsonSchema", person);
    tags = await compile("structuralTag", calls);
  });
  after(() => rig.dispose());

  const stopIds = () => Int32Array.from(text.stopIds);
  const table = (index: number) => Array.from({ length: 24 }, (_, block) => index * 24 + block);
  const part = (index: number, prompt: string, sampling: Partial<NativeSampling>): Part => ({
    tokens: text.tokenizer.encodeText(prompt),
    table: table(index),
    sampling: { stopIds: stopIds(), ...sampling },
  });
  const decode = (ids: readonly number[]) => text.tokenizer.decode(ids.filter((id) => !text.stopIds.includes(id)));
  const constrained = (grammar: NativeGrammar, seed: number): Partial<NativeSampling> => ({
    temperature: 1,
    seedLow: seed,
    grammar,
    grammarIds: new Int32Array(0),
  });
  /** The answer in one run, and in runs of few steps that go on where the one before ended. */
  const inPieces = async (prompt: string, sampling: Partial<NativeSampling>, pieces: number, total: number) => {
    const ids: number[] = [];
    const tokens = text.tokenizer.encodeText(prompt);
    while (ids.length < total) {
      const all = [...tokens, ...ids];
      const { ids: run } = await rig.run(
        [
          {
            tokens: all,
            table: table(0),
            sampling: { stopIds: stopIds(), ...sampling, grammarIds: Int32Array.from(ids) },
          },
        ],
        Math.min(pieces, total - ids.length),
      );
      ids.push(...(run[0] ?? []));
      if (text.stopIds.includes(ids.at(-1) ?? -1)) break;
    }
    return ids;
  };

  it("100 answers at temperature 1 are JSON of the schema", async () => {
    let forced = 0;
    let ended = 0;
    for (let round = 0; round < 10; round += 1) {
      const parts = Array.from({ length: 10 }, (_, index) =>
        part(index, "A pet as JSON:\n", constrained(schema, 10 * round + index)),
      );
      const { ids, stats, failures } = await rig.run(parts, 56);
      forced += stats.forcedTokens;
      assert.deepEqual(failures, []);
      for (const answer of ids) {
        // White space is free, and this model may go on with it for ever.
        if (!text.stopIds.includes(answer.at(-1) ?? -1)) continue;
        ended += 1;
        const value = JSON.parse(decode(answer));
        assert.deepEqual(Object.keys(value), ["name", "age", "kind", "tame"]);
        assert.ok(typeof value.name === "string" && [...value.name].length <= 12);
        assert.ok(Number.isInteger(value.age) && value.age >= 0 && value.age <= 150);
        assert.ok(["cat", "dog"].includes(value.kind) && typeof value.tame === "boolean");
      }
    }
    assert.ok(ended >= 60, `${ended} came to their end`);
    assert.ok(forced > 50, `${forced} tokens were appended without sampling`);
  });

  it("an answer is the same in one run, in pieces, with guesses and together with others", async () => {
    const prompt = 'A pet as JSON:\n{"name": "Tom", "age": 3, "kind": "cat", "tame": true}\n';
    for (const temperature of [0, 1]) {
      const sampling = { ...constrained(schema, 7), temperature };
      const lookupIds = Int32Array.from(text.tokenizer.encodeText(prompt));
      const alone = await rig.run([part(0, prompt, sampling)], 60);
      const guessing = await rig.run([part(0, prompt, { ...sampling, lookupIds })], 60);
      const free: Partial<NativeSampling> = { temperature: 1, seedLow: 3, logprobs: -1 };
      const mateAlone = await rig.run([part(1, "Once", free)], 60);
      const beside = await rig.run([part(0, prompt, sampling), part(1, "Once", free)], 60);
      assert.deepEqual(guessing.ids[0], alone.ids[0]);
      assert.deepEqual(beside.ids[0], alone.ids[0]);
      assert.deepEqual(beside.ids[1], mateAlone.ids[0]);
      const mates = ({ sequence }: { sequence: number }) => sequence === 1;
      assert.deepEqual(
        beside.tokens.filter(mates).map(({ logprob }) => logprob),
        mateAlone.tokens.map(({ logprob }) => logprob),
      );
      // Every piece reads all again: the smaller they are, the fewer tokens.
      for (const [pieces, total] of [
        [1, 16],
        [2, 30],
        [7, 60],
      ] as const) {
        assert.deepEqual(await inPieces(prompt, sampling, pieces, total), alone.ids[0]?.slice(0, total));
      }
      assert.ok(JSON.parse(decode(alone.ids[0] ?? [])));
    }
  });

  it("text that is free has the bits that it has without a grammar", async () => {
    for (const sampling of [{}, { temperature: 1, seedLow: 5, logprobs: -1 }, { repetitionPenalty: 1.2 }]) {
      const prompt = "The weather today is";
      const free = await rig.run([part(0, prompt, sampling)], 30);
      const tagged = await rig.run(
        [part(0, prompt, { ...sampling, grammar: tags, grammarIds: new Int32Array(0) })],
        30,
      );
      assert.deepEqual(tagged.tokens, free.tokens);
    }
  });

  it("a call that the text has opened is one of the declared, and text goes on behind it", async () => {
    const opened = text.tokenizer.encodeText("<call>", "middle");
    for (let round = 0; round < 2; round += 1) {
      const parts = Array.from({ length: 10 }, (_, index) =>
        part(index, "Read it. <call>", {
          ...constrained(tags, 10 * round + index),
          grammarIds: Int32Array.from(opened),
        }),
      );
      const { ids } = await rig.run(parts, 60);
      assert.equal(ids.length, 10);
      for (const answer of ids) {
        const said = /^\{"name": "read", "arguments": (\{.*?\})\}<\/call>/s.exec(decode(answer));
        assert.ok(said?.[1] !== undefined, decode(answer));
        assert.equal(typeof JSON.parse(said[1]).path, "string");
      }
    }
  });

  it("a grammar that has no word of the model left ends its answer alone", async () => {
    const words = {
      bytes: Uint8Array.of(97),
      ends: Int32Array.of(0, 0, 0, 0, 0, 1),
      controlIds: new Int32Array(0),
      markIds: new Int32Array(0),
    };
    const few = await rig.model.createVocabulary(words);
    const stuck = await rig.model.compileGrammar({ kind: "ebnf", text: 'root ::= "ab"', vocabulary: few });
    const parts = [part(0, "One", { grammar: stuck, grammarIds: new Int32Array(0) }), part(1, "One", {})];
    const { ids, failures } = await rig.run(parts, 8);
    assert.deepEqual(ids[0], [5]);
    assert.equal(ids[1]?.length, 8);
    assert.deepEqual(
      failures.map(({ sequence, code }) => [sequence, code]),
      [[0, "INVALID_REQUEST"]],
    );
  });

  it("what is no grammar is refused with the compiler's reason", async () => {
    await rejection(compile("jsonSchema", { type: "nothing" }), "INVALID_REQUEST", /nothing/);
    await rejection(compile("structuralTag", { type: "structural_tag" }), "INVALID_REQUEST", /format/);
    await rejection(compile("ebnf", "root ::= missing"), "INVALID_REQUEST", /./);
  });

  it("what is none of the addon's, or was disposed, is refused and harms nobody", async () => {
    const run = (sampling: object) => rig.run([part(0, "One", sampling)], 2);
    const grammarIds = new Int32Array(0);
    const gone = await compile("jsonSchema", { type: "boolean" });
    const kept = await rig.run([part(0, "One", { grammar: gone, grammarIds })], 2);
    assert.equal(kept.ids[0]?.length, 2);
    gone.dispose();
    gone.dispose();
    await rejection(run({ grammar: gone, grammarIds }), "INVALID_REQUEST", /disposed/);
    for (const foreign of [{}, { bytes: 1, dispose: () => {} }, vocabulary, 7, null, rig.model]) {
      await rejection(run({ grammar: foreign, grammarIds }), "INVALID_REQUEST", /grammar/);
    }
    await rejection(run({ grammar: schema }), "INVALID_REQUEST", /grammarIds/);
    await rejection(run({ grammar: schema, grammarIds: Int32Array.of(1 << 20) }), "INVALID_REQUEST", /vocabulary/);
    await rejection(run({ grammar: schema, grammarIds, stopIds: grammarIds }), "INVALID_REQUEST", /stop id/);
    await rejection(run({ grammar: schema, grammarIds: Int32Array.of(5) }), "INVALID_REQUEST", /grammar allows/);
    const words = { kind: "ebnf" as const, text: 'root ::= "a"' };
    const bad = { ...words, vocabulary: schema };
    await rejection(rig.model.compileGrammar(bad), "INVALID_REQUEST", /vocabulary/);
    const ends = { bytes: Uint8Array.of(1), ends: Int32Array.of(2), controlIds: grammarIds, markIds: grammarIds };
    await rejection(rig.model.createVocabulary(ends), "INVALID_REQUEST", /order/);
    assert.equal((await rig.run([part(0, "One", {})], 2)).ids[0]?.length, 2);
  });
});
