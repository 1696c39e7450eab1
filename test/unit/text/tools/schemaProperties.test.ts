import assert from "node:assert/strict";
import Ajv2020 from "ajv/dist/2020";
import { Grammar } from "../../../../src/text/tools/ebnf";
import { shapeOf } from "../../../../src/text/tools/schemaReader";
import type { ShapedSchema } from "../../../../src/text/tools/schemaShape";
import { jsonDialect } from "../../../../src/text/tools/valueDialects";
import { ValueGrammar } from "../../../../src/text/tools/valueGrammar";
import { Random } from "../../../support/random";
import { readEbnf, sampled } from "../../../support/text/ebnfText";
import { randomDocument, randomInstance, randomSchema } from "../../../support/text/randomSchema";
import { schemaOfShape } from "../../../support/text/shapeSchema";

const ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false, logger: false });

function validatorOf(schema: unknown) {
  return ajv.compile(Object(schema));
}

function grammarOf(shaped: ShapedSchema) {
  const grammar = new Grammar();
  const values = new ValueGrammar(grammar, jsonDialect(), shaped, () => assert.fail("JSON writes everything"));
  grammar.set("root", values.value(shaped.shape));
  return readEbnf(grammar.text());
}

const seed = process.env["RESIDENT_SEED"] ?? "schemas";

describe("A schema's shape and grammar, judged by a validator", function () {
  this.timeout(60_000);
  const cases = Array.from({ length: 80 }, (_, round) => {
    const random = new Random(seed, round);
    const schema = round % 2 === 0 ? randomSchema(random) : randomDocument(random);
    return { round, random, schema, shaped: shapeOf(schema) };
  });

  it("allow every value that the schema allows", () => {
    let values = 0;
    for (const { round, random, schema, shaped } of cases) {
      if (schema === true) continue;
      const fits = validatorOf(schema);
      const isAllowed = validatorOf(schemaOfShape(shaped));
      for (let times = 0; times < 20; times += 1) {
        const value = randomInstance(random, schema);
        if (!fits(value)) continue;
        values += 1;
        assert.ok(isAllowed(value), `${seed} ${round}: ${JSON.stringify(value)} fits ${JSON.stringify(schema)}`);
      }
    }
    assert.ok(values > 400, `only ${values} values fit`);
  });

  it("allow no other value where nothing is said to be loose", () => {
    let texts = 0;
    for (const { round, random, schema, shaped } of cases) {
      if (shaped.loosened.length > 0 || schema === true) continue;
      const fits = validatorOf(schema);
      const rules = grammarOf(shaped);
      for (let times = 0; times < 10; times += 1) {
        const text = sampled(rules, random);
        texts += 1;
        assert.ok(fits(JSON.parse(text)), `${seed} ${round}: ${text} does not fit ${JSON.stringify(schema)}`);
      }
    }
    assert.ok(texts > 200, `only ${texts} texts`);
  });

  it("write values that their own shape allows, loose or not", () => {
    for (const { round, random, schema, shaped } of cases) {
      const isAllowed = validatorOf(schemaOfShape(shaped));
      const rules = grammarOf(shaped);
      for (let times = 0; times < 3; times += 1) {
        const text = sampled(rules, random);
        assert.ok(isAllowed(JSON.parse(text)), `${seed} ${round}: ${text} of ${JSON.stringify(schema)}`);
      }
    }
  });
});
