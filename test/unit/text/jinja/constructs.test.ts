import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { Template } from "../../../../src/text/jinja/template";
import { toValue, type Value } from "../../../../src/text/jinja/values";

interface Recorded {
  readonly variables: Readonly<Record<string, unknown>>;
  readonly cases: readonly { readonly template: string; readonly expected?: string; readonly error?: string }[];
}

/** Written by test/reference/jinjaConstructs.py. */
const file = path.resolve("test/fixtures/jinja/constructs.json");
const { variables, cases }: Recorded = JSON.parse(readFileSync(file, "utf8"));

function render(template: string): string {
  const values = new Map<string, Value>(Object.entries(variables).map(([name, value]) => [name, toValue(value)]));
  return new Template(template).render(values);
}

describe("A template's construct", () => {
  for (const { template, expected, error } of cases) {
    it(`${error === undefined ? "renders" : "fails"} as in Jinja2: ${template}`, () => {
      if (error === undefined) assert.equal(render(template), expected);
      else assert.throws(() => render(template), /^Error: /);
    });
  }
});
