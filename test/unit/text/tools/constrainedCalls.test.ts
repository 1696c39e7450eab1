import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020";
import type { ToolSpec } from "../../../../src/common/tools";
import { constraintOf } from "../../../../src/text/tools/constraint";
import { toolFormatNames, toolFormats } from "../../../../src/text/tools/formats";
import { Random } from "../../../support/random";
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
});
