import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020";
import type { JsonObject, ToolSpec } from "../../../../src/common/tools";
import { canonicalTools } from "../../../../src/text/tools/canonical";
import { constraintOf } from "../../../../src/text/tools/constraint";
import { toolFormatNames, toolFormats } from "../../../../src/text/tools/formats";
import { Random } from "../../../support/random";
import { randomDocument, randomSchema } from "../../../support/text/randomSchema";
import { readStructuralTag, sampledText } from "../../../support/text/tagText";
import { heard, piecesOf } from "../../../support/text/toolTexts";
import { someTools } from "../../../support/text/writtenCalls";

const tools: readonly ToolSpec[] = [
  ...someTools,
  {
    name: "edit",
    description: "",
    parameters: {
      type: "object",
      properties: {
        path: { type: "string" },
        edits: {
          type: "array",
          items: {
            type: "object",
            properties: { old: { type: "string" }, new: { type: "string" } },
            required: ["old"],
          },
          maxItems: 3,
        },
        count: { type: ["integer", "null"], minimum: 0, maximum: 99 },
        ratio: { type: "number", exclusiveMinimum: 0, maximum: 1 },
        env: { type: "object", additionalProperties: { type: "string" } },
        how: { anyOf: [{ const: "all" }, { type: "array", items: { type: "boolean" } }] },
      },
      required: ["path", "edits"],
    },
  },
];

const ajv = new Ajv2020({ strict: false });
const validators = new Map(tools.map(({ name, parameters }) => [name, ajv.compile({ ...parameters })]));
/** Schemas as programs write them: behind a reference, in parts, in alternatives. */
function framed(schema: unknown, random: Random): JsonObject {
  const { $defs, ...body } = Object(schema);
  const flag = (more: object) => ({
    type: "object",
    properties: { flag: { type: "boolean" } },
    required: ["flag"],
    ...more,
  });
  switch (random.below(6)) {
    case 0:
      return { $ref: "#/$defs/all", $defs: { ...$defs, all: body } };
    case 1:
      return { allOf: [body, flag({ additionalProperties: true })], $defs };
    case 2:
      return { anyOf: [body, flag({ additionalProperties: false })], $defs };
    case 3:
      return {
        type: "object",
        properties: { "a<b": { type: "integer" }, x: body },
        additionalProperties: false,
        $defs,
      };
    default:
      return body.type === "object"
        ? { ...body, $defs }
        : { type: "object", properties: { x: body }, required: ["x"], $defs };
  }
}

const seed = process.env["RESIDENT_SEED"] ?? "constrained calls";

describe("What a constraint allows is parsed", () => {
  for (const name of toolFormatNames) {
    it(`in the format ${name}: every call, of a declared tool, with arguments that fit its schema`, () => {
      const format = toolFormats[name];
      const constraint = constraintOf({ format, tools, mode: "required" });
      assert.deepEqual(constraint?.unconstrained, []);
      const answer = readStructuralTag(constraint.grammar.text);
      const random = new Random(seed, name);
      for (let round = 0; round < 40; round += 1) {
        const text = sampledText(answer, random);
        for (const vocabulary of ["tokens", "texts"] as const) {
          const { calls, dropped, shown } = heard(format, piecesOf(format, text, vocabulary), vocabulary, false, tools);
          const where = `${seed} ${name} ${vocabulary}: ${JSON.stringify(text)}`;
          assert.deepEqual(dropped, [], where);
          assert.ok(calls.length > 0, where);
          if (format.shape !== "harmony") assert.equal(shown.trim(), "", where);
          for (const call of calls) {
            const fits = validators.get(call.name);
            assert.ok(
              fits?.(call.arguments),
              `${where} gives ${JSON.stringify(call)}: ${ajv.errorsText(fits?.errors)}`,
            );
          }
        }
      }
    });
  }

  it("of any schema that the grammar follows, in every format, with arguments that fit", () => {
    const judge = new Ajv2020({
      strict: false,
      validateFormats: false,
      validateSchema: false,
      logger: false,
      ownProperties: true,
    });
    let judged = 0;
    for (let round = 0; round < 60; round += 1) {
      const random = new Random(seed, "schemas", round);
      const parameters = framed(round % 2 === 0 ? randomSchema(random) : randomDocument(random), random);
      const declared = canonicalTools([{ name: "t", description: "", parameters }]);
      const fits = judge.compile(JSON.parse(JSON.stringify(parameters)));
      for (const name of toolFormatNames) {
        const format = toolFormats[name];
        const constraint = constraintOf({ format, tools: declared, mode: "required" });
        if (constraint === undefined || constraint.unconstrained.length > 0) continue;
        const text = sampledText(readStructuralTag(constraint.grammar.text), random);
        const { calls, dropped } = heard(format, piecesOf(format, text, "tokens"), "tokens", false, declared);
        const where = `${seed} ${round} ${name}: ${JSON.stringify(text)} of ${JSON.stringify(parameters)}`;
        assert.deepEqual([dropped, calls.length > 0], [[], true], where);
        for (const call of calls) {
          judged += 1;
          assert.ok(fits(call.arguments), `${where} gives ${JSON.stringify(call)}: ${judge.errorsText(fits.errors)}`);
        }
      }
    }
    assert.ok(judged > 200, `only ${judged} calls`);
  }).timeout(60_000);
});
