import assert from "node:assert/strict";
import type { GrammarText } from "../../../src/engine/ports";
import type { NativeGrammar, NativeVocabulary } from "../../../src/native/binding";
import { NativeGrammars } from "../../../src/native/grammars";

const words = {
  bytes: Uint8Array.of(97),
  ends: Int32Array.of(1),
  controlIds: new Int32Array(0),
  markIds: new Int32Array(0),
};
const text = (index: number): GrammarText => ({ kind: "ebnf", text: `root ::= "${index}"` });

/** A model that counts what it is asked for; texts with "bad" are refused. */
class CountingModel {
  vocabularies = 0;
  readonly compiled: string[] = [];
  failNext = false;

  async createVocabulary(): Promise<NativeVocabulary> {
    this.vocabularies += 1;
    if (this.failNext) {
      this.failNext = false;
      throw new Error("no words");
    }
    return { dispose: () => {} };
  }

  async compileGrammar(request: { readonly text: string }): Promise<NativeGrammar> {
    this.compiled.push(request.text);
    if (request.text.includes("bad")) throw new Error("refused");
    return { bytes: request.text.length, dispose: () => {} };
  }
}

describe("Grammars of a model", () => {
  it("are compiled once for each text, over words that are asked for once", async () => {
    const model = new CountingModel();
    let asked = 0;
    const grammars = new NativeGrammars(model, () => {
      asked += 1;
      return words;
    });
    const [first, again, other] = await Promise.all([1, 1, 2].map((index) => grammars.compile(text(index))));
    assert.equal(first, again);
    assert.notEqual(first, other);
    assert.equal(await grammars.compile(text(1)), first);
    assert.notEqual(await grammars.compile({ ...text(1), kind: "jsonSchema" }), first);
    assert.equal(asked, 1);
    assert.equal(model.vocabularies, 1);
    assert.equal(model.compiled.length, 3);
  });

  it("are kept for the texts that were used last", async () => {
    const model = new CountingModel();
    const grammars = new NativeGrammars(model, () => words);
    for (let index = 0; index < 40; index += 1) {
      await grammars.compile(text(index));
      await grammars.compile(text(0));
    }
    assert.equal(model.compiled.length, 40);
    await grammars.compile(text(1));
    assert.equal(model.compiled.length, 41);
  });

  it("are tried again after a failure", async () => {
    const model = new CountingModel();
    const grammars = new NativeGrammars(model, () => words);
    model.failNext = true;
    await assert.rejects(grammars.compile(text(1)), /no words/);
    await grammars.compile(text(1));
    const bad = { kind: "ebnf", text: "bad" } as const;
    await assert.rejects(grammars.compile(bad), /refused/);
    await assert.rejects(grammars.compile(bad), /refused/);
    assert.deepEqual(model.compiled, [text(1).text, "bad", "bad"]);
  });
});
