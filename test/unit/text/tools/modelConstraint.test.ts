import assert from "node:assert/strict";
import { toolFormats } from "../../../../src/text/tools/formats";
import { answerTools, modelConstraint } from "../../../../src/text/tools/modelConstraint";
import { allows, readEbnf } from "../../../support/text/ebnfText";
import { readStructuralTag } from "../../../support/text/tagText";
import { someTools as tools } from "../../../support/text/writtenCalls";

const model = { toolFormat: toolFormats.hermes };
const jsonSchema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };

describe("The constraint of a model's answer", () => {
  it("is none where nothing is asked for, and where tools must not be called", () => {
    assert.equal(modelConstraint(model, {}), undefined);
    assert.equal(modelConstraint(model, { tools: [] }), undefined);
    assert.equal(modelConstraint(model, { tools, toolMode: "none" }), undefined);
    assert.deepEqual(answerTools({ tools, toolMode: "none" }), { tools, mode: "none" });
    assert.deepEqual(answerTools({ tools }), { tools, mode: "auto" });
  });

  it("is one of calls where there are tools, behind the model's thoughts", () => {
    const thinking = { ...model, thought: { open: "<think>", close: "</think>" }, startsInThought: true };
    const answer = readStructuralTag(modelConstraint(thinking, { tools })?.grammar.text ?? "");
    assert.deepEqual(answer.type === "sequence" && answer.elements[0], {
      type: "tag",
      begin: "",
      content: { type: "any_text" },
      end: "</think>",
    });
  });

  it("is one of words where an answer must be neither a call nor JSON", () => {
    assert.equal(modelConstraint(model, { toolMode: "words" }), undefined);
    assert.deepEqual(answerTools({ tools, toolMode: "words" }), { tools, mode: "none" });
    const constraint = modelConstraint(model, { tools, toolMode: "words" });
    const answer = readStructuralTag(constraint?.grammar.text ?? "");
    assert(answer.type === "grammar");
    const rules = readEbnf(answer.grammar);
    for (const text of ["The", "3 files:\na", "- a", "été {}", "# Found\n```json\n{}\n```"])
      assert.ok(allows(rules, text), text);
    for (const text of ["", '{"name": "run"}', " {", "\n", "[1]", "```json", "<tool_call>", '"a"']) {
      assert.ok(!allows(rules, text), text);
    }
    const thinking = { ...model, thought: { open: "<think>", close: "</think>" }, startsInThought: true };
    const behind = readStructuralTag(modelConstraint(thinking, { tools, toolMode: "words" })?.grammar.text ?? "");
    assert.equal(behind.type, "sequence");
  });

  it("is one of JSON where a schema is given: then no tool is called", () => {
    const constraint = modelConstraint({}, { tools, jsonSchema });
    assert.equal(readStructuralTag(constraint?.grammar.text ?? "").type, "grammar");
    assert.deepEqual(answerTools({ tools, jsonSchema }), { tools, mode: "none" });
  });

  it("is refused for a model that takes no tools, and where a request contradicts itself, with what to do", () => {
    const refused = [
      () => modelConstraint({}, { tools }),
      () => modelConstraint(model, { toolMode: "required" }),
      () => modelConstraint(model, { tools, jsonSchema, toolMode: "required" }),
    ];
    for (const ask of refused) {
      assert.throws(ask, (error: { code?: unknown; advice?: unknown }) => {
        assert.equal(error.code, "INVALID_REQUEST");
        assert.match(String(error.advice), /tools|one of both/);
        return true;
      });
    }
  });
});
