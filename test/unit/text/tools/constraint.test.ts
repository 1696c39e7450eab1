import assert from "node:assert/strict";
import type { ToolSpec } from "../../../../src/common/tools";
import { type ConstrainedAnswer, constraintOf, constraintOfSchema } from "../../../../src/text/tools/constraint";
import { toolFormatNames, toolFormats } from "../../../../src/text/tools/formats";
import { oddJson } from "../../../support/fuzz/hostile";
import { Random } from "../../../support/random";
import { randomDocument, randomSchema } from "../../../support/text/randomSchema";
import { allowsText, readStructuralTag, sampledText } from "../../../support/text/tagText";
import { list, read, set, someTools, written } from "../../../support/text/writtenCalls";

const tools = someTools;

function formatOf(asked: ConstrainedAnswer) {
  const constraint = constraintOf(asked);
  assert.ok(constraint !== undefined);
  return readStructuralTag(constraint.grammar.text);
}

describe("A constraint of tool calls", () => {
  for (const name of toolFormatNames) {
    const format = toolFormats[name];
    it(`in the format ${name} allows what models write, and no call that does not fit`, () => {
      const answer = formatOf({ format, tools, mode: "auto" });
      const texts = written[name];
      for (const text of texts.calls) assert.ok(allowsText(answer, text), text);
      for (const text of texts.refused) assert.ok(!allowsText(answer, text), text);
    });

    it(`in the format ${name} is a call at least where one is required`, () => {
      const random = new Random(name);
      for (let round = 0; round < 30; round += 1) {
        const text = sampledText(formatOf({ format, tools, mode: "required" }), random);
        assert.ok(
          tools.some((tool) => text.includes(tool.name)),
          text,
        );
      }
    });

    it(`in the format ${name} is the same for the same tools, whatever they are described as`, () => {
      const told = tools.map((tool) => ({ ...tool, description: '") | ( ["' }));
      const text = constraintOf({ format, tools, mode: "auto" })?.grammar.text;
      assert.equal(constraintOf({ format, tools: told, mode: "auto" })?.grammar.text, text);
      for (const open of [format.open, ...format.alsoOpen])
        assert.ok(text?.includes(JSON.stringify(open).slice(1, -1)));
    });
  }

  it("is none where there are no tools", () => {
    assert.equal(constraintOf({ format: toolFormats.hermes, tools: [], mode: "auto" }), undefined);
  });

  it("holds behind a thought: behind one that the prompt has begun, and behind one that the answer may have", () => {
    const thought = { open: "<think>", close: "</think>" };
    const format = toolFormats.hermes;
    const begun = formatOf({ format, tools, mode: "required", thought, startsInThought: true });
    const free = formatOf({ format, tools, mode: "required", thought });
    const random = new Random("thoughts");
    let thoughts = 0;
    for (let round = 0; round < 30; round += 1) {
      assert.match(sampledText(begun, random), /^[^<]*<\/think>[ \n]{0,4}<tool_call>\n/);
      const text = sampledText(free, random);
      assert.match(text, /^(?:<think>[^<]*<\/think>)?[ \n]{0,4}<tool_call>\n/);
      if (text.startsWith("<think>")) thoughts += 1;
    }
    assert.ok(thoughts > 5 && thoughts < 25);
  });

  it("says of which tool, where and what it does not follow", () => {
    const parameters = { type: "object", properties: { path: { type: "string", pattern: "^/" } } };
    const constraint = constraintOf({
      format: toolFormats.hermes,
      tools: [read, { ...list, parameters }],
      mode: "auto",
    });
    assert.deepEqual(constraint?.unconstrained, [{ tool: "list", path: "/properties/path", what: "pattern" }]);
    const odd = { ...list, parameters: { type: "string" } };
    assert.deepEqual(constraintOf({ format: toolFormats.glm, tools: [odd], mode: "auto" })?.unconstrained, [
      { tool: "list", path: "", what: "that no object fits it" },
    ]);
    const named = { ...list, parameters: { type: "object", properties: { "a b": {} } } };
    assert.deepEqual(constraintOf({ format: toolFormats.lfm2, tools: [named], mode: "auto" })?.unconstrained, [
      { tool: "list", path: "", what: 'the property "a b"' },
    ]);
  });

  it("of very many tools lets their arguments be any object, or is refused in words", () => {
    const many = (count: number): readonly ToolSpec[] =>
      Array.from({ length: count }, (_, i) => ({
        ...read,
        name: `tool_${i}`,
        parameters: {
          type: "object",
          properties: Object.fromEntries(Array.from({ length: 100 }, (_, k) => [`p${k}`, { enum: ["a", "b", i] }])),
        },
      }));
    const loose = constraintOf({ format: toolFormats.hermes, tools: many(100), mode: "auto" });
    assert.equal(loose?.unconstrained.length, 100);
    assert.ok(loose !== undefined && loose.grammar.text.length < 400_000);
    readStructuralTag(loose.grammar.text);
    const huge = Array.from({ length: 20_000 }, (_, i) => ({ ...list, name: `tool_${i}` }));
    assert.throws(() => constraintOf({ format: toolFormats.hermes, tools: huge, mode: "auto" }), {
      code: "INVALID_REQUEST",
    });
  });

  it("is made of any schema, in every format: it throws nothing and is never larger than a bound", () => {
    const seed = process.env["RESIDENT_SEED"] ?? "odd schemas";
    for (let round = 0; round < 300; round += 1) {
      const random = new Random(seed, round);
      const schema = oddJson(random, random.below(2) === 0 ? randomSchema(random) : randomDocument(random));
      const format = toolFormats[random.pick(toolFormatNames)];
      const parameters = Object(schema);
      const constraint = constraintOf({ format, tools: [read, { ...list, parameters }], mode: "auto" });
      assert.ok(constraint !== undefined && constraint.grammar.text.length <= 400_000);
      const answer = readStructuralTag(constraint.grammar.text);
      assert.equal(typeof sampledText(answer, random), "string", `${seed} ${round}`);
    }
  });

  it("takes time in proportion to the tools", () => {
    const timeOf = (count: number) => {
      const many = Array.from({ length: count }, (_, i) => ({ ...set, name: `set_${i}` }));
      const from = performance.now();
      for (let times = 0; times < 5; times += 1)
        constraintOf({ format: toolFormats.hermes, tools: many, mode: "auto" });
      return performance.now() - from;
    };
    timeOf(20);
    assert.ok(timeOf(160) < 40 * Math.max(1, timeOf(20)));
  });
});

describe("A constraint of a JSON answer", () => {
  it("is one value that fits, with white space that is free and bounded", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "array", items: { type: "integer" } } },
      required: ["a"],
    };
    const { grammar, unconstrained } = constraintOfSchema(schema);
    const answer = readStructuralTag(grammar.text);
    assert.deepEqual(unconstrained, []);
    for (const text of ['{"a":[1,2]}', '{ "a": [ 1, 2 ] }', '{\n  "a": [\n    1\n  ]\n}', '{"a": []}']) {
      assert.ok(allowsText(answer, text), text);
    }
    for (const text of ['{"a": [1,  2]}', "{}", ' {"a": []}', '{"a": []}\n', `{\n${" ".repeat(25)}"a": []}`]) {
      assert.ok(!allowsText(answer, text), text);
    }
  });

  it("says what it does not follow, and takes any schema", () => {
    const { unconstrained } = constraintOfSchema({ type: "array", uniqueItems: true });
    assert.deepEqual(unconstrained, [{ path: "", what: "uniqueItems" }]);
    for (const schema of [true, false, null, 5, "x", [], undefined])
      readStructuralTag(constraintOfSchema(schema).grammar.text);
  });
});
