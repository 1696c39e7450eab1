import assert from "node:assert/strict";
import { shapeOf } from "../../../../src/text/tools/schemaReader";
import type { ShapedSchema } from "../../../../src/text/tools/schemaShape";
import { schemaOfShape } from "../../../support/text/shapeSchema";

/** The root's shape, where it is read by one definition. */
function rootOf({ shape, definitions }: ShapedSchema) {
  assert.ok(shape.kind === "definition");
  return definitions.get(shape.name);
}

function object(properties: object, more: object = {}) {
  return { type: "object", properties, ...more };
}

const text = { kind: "string", least: 0 } as const;

describe("A schema's shape", () => {
  it("has required properties first, both kinds in the schema's order, and no others unless it says so", () => {
    const properties = { depth: { type: "integer" }, path: { type: "string" }, all: { type: "boolean" }, to: {} };
    const { loosened, ...shaped } = shapeOf(object(properties, { required: ["to", "path", "new"] }));
    const root = rootOf({ loosened, ...shaped });
    assert.ok(root?.kind === "object");
    assert.deepEqual(
      root.properties.map(({ name, isRequired }) => [name, isRequired]),
      [
        ["path", true],
        ["to", true],
        ["new", true],
        ["depth", false],
        ["all", false],
      ],
    );
    assert.deepEqual([root.rest, loosened], [undefined, []]);
    const open = rootOf(shapeOf(object(properties, { additionalProperties: true })));
    assert.deepEqual(open?.kind === "object" && open.rest, { kind: "any" });
    assert.deepEqual(rootOf(shapeOf({ type: "object" })), { kind: "object", properties: [], rest: { kind: "any" } });
  });

  it("does not hang on descriptions, titles, examples and words that nobody knows", () => {
    const plain = object({ path: { type: "string", minLength: 1 } }, { required: ["path"] });
    const told = object(
      {
        path: {
          description: '{"not": "a grammar"} ( [ " \\',
          title: "P",
          type: "string",
          minLength: 1,
          examples: ["("],
          "x-ui": {},
        },
      },
      { required: ["path"], $schema: "https://json-schema.org/draft/2020-12/schema", $comment: "functional" },
    );
    assert.deepEqual(shapeOf(told), shapeOf(plain));
  });

  const followed: readonly (readonly [string, unknown, unknown])[] = [
    [
      "a reference with a description next to it",
      { $defs: { p: { type: "string" } }, ...object({ p: { $ref: "#/$defs/p", description: "a" } }) },
      undefined,
    ],
    [
      "a tree of itself",
      {
        $ref: "#/$defs/tree",
        $defs: { tree: object({ children: { type: "array", items: { $ref: "#/$defs/tree" } } }) },
      },
      undefined,
    ],
    [
      "alternatives of types that differ",
      { oneOf: [{ type: "string" }, { type: "integer" }, { const: null }] },
      undefined,
    ],
    [
      "alternatives that a property tells apart",
      { oneOf: ["a", "b"].map((kind) => object({ kind: { const: kind } }, { required: ["kind"] })) },
      undefined,
    ],
    [
      "several schemas at once",
      { allOf: [object({ a: { type: "string" } }), object({ b: { type: "null" } }, { required: ["b"] })] },
      undefined,
    ],
    [
      "a whole number with bounds",
      { type: "integer", minimum: 0.5, exclusiveMaximum: 10 },
      { kind: "number", isInteger: true, least: 1, most: 9 },
    ],
    [
      "draft 4's bounds",
      { type: "integer", minimum: 0, exclusiveMinimum: true },
      { kind: "number", isInteger: true, least: 1 },
    ],
    [
      "draft 7's tuples",
      { type: "array", items: [{ type: "string" }], additionalItems: false },
      { kind: "array", first: [text], least: 0 },
    ],
    ["a type that follows from its keywords", { minLength: 2 }, { kind: "string", least: 2 }],
    [
      "values of one type out of a mixed list",
      { type: "string", enum: ["a", 1, null] },
      { kind: "constants", values: ["a"] },
    ],
    ["what allows everything", {}, { kind: "any" }],
    [
      "a pattern for all names",
      { type: "object", patternProperties: { "^.*$": { type: "string" } }, additionalProperties: false },
      { kind: "object", properties: [], rest: text },
    ],
    [
      "bounds of all safe integers",
      { type: "integer", minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER },
      { kind: "number", isInteger: true },
    ],
  ];
  for (const [name, schema, shape] of followed) {
    it(`follows ${name}`, () => {
      const shaped = shapeOf(schema);
      assert.deepEqual(shaped.loosened, []);
      if (shape !== undefined) assert.deepEqual(rootOf(shaped), shape);
    });
  }

  const loosened: readonly (readonly [string, unknown, string, string])[] = [
    ["if and else", { type: "object", if: {}, else: {} }, "", "if"],
    ["not", object({ a: { not: { type: "null" } } }), "/properties/a", "not"],
    ["a pattern", object({ a: { type: "string", pattern: "^a+$" } }), "/properties/a", "pattern"],
    ["a format", object({ when: { type: "string", format: "date-time" } }), "/properties/when", "format"],
    ["names by pattern", { type: "object", patternProperties: { "^x": {} } }, "", "patternProperties"],
    ["what an array contains", { type: "array", contains: {} }, "", "contains"],
    ["unique items", { type: "array", uniqueItems: true }, "", "uniqueItems"],
    ["properties that need others", { type: "object", dependentRequired: { a: ["b"] } }, "", "dependentRequired"],
    ["schemas that need properties", { type: "object", dependentSchemas: {} }, "", "dependentSchemas"],
    ["a multiple", { type: "number", multipleOf: 0.01 }, "", "multipleOf"],
    [
      "a reference to elsewhere",
      object({ a: { $ref: "https://example.org/a.json" } }),
      "/properties/a",
      '$ref to "https://example.org/a.json"',
    ],
    [
      "a reference to nothing",
      object({ "a/b": { $ref: "#/$defs/none" } }),
      "/properties/a~1b",
      '$ref to "#/$defs/none"',
    ],
    [
      "alternatives that overlap",
      { oneOf: [{ type: "string" }, { type: "string", maxLength: 2 }] },
      "",
      "that oneOf fits only once",
    ],
    ["a type that is none", { type: "file" }, "", "its type"],
    ["a schema that is none", object({ a: 5 }), "/properties/a", "is no schema"],
    ["a bound with a fraction", { type: "number", minimum: 0.5 }, "", "a bound that is no whole number"],
    ["a very long string", { type: "string", maxLength: 100_000 }, "", "more than 12 characters"],
    ["a very long enum", { enum: Array.from({ length: 5000 }, (_, i) => i) }, "", "an enum that is too large"],
    [
      "something endless",
      { $ref: "#/$defs/a", $defs: { a: object({ a: { $ref: "#/$defs/a" } }, { required: ["a"] }) } },
      "/$defs/a",
      "that nothing fits it",
    ],
    ["a reference to itself", { $ref: "#" }, "", "that nothing fits it"],
    ["what nothing fits", { allOf: [{ type: "string" }, { type: "null" }] }, "", "that nothing fits it"],
    ["enum with a bound", { type: "integer", enum: [1, 2], minimum: 2 }, "", "minimum beside enum"],
  ];
  for (const [name, schema, path, what] of loosened) {
    it(`says that it does not follow ${name}`, () => {
      const said = shapeOf(schema).loosened;
      assert.ok(
        said.some((one) => one.path === path && one.what === what),
        JSON.stringify(said),
      );
    });
  }

  it("has the values of names that a pattern allows, and no names of its own invention", () => {
    const patternProperties = { "^x": { type: "string" }, "^n": { type: "null" } };
    const shaped = shapeOf(object({ a: {} }, { patternProperties, additionalProperties: false }));
    const root = rootOf(shaped);
    assert.deepEqual(root?.kind === "object" && root.rest, { kind: "union", of: [text, { kind: "null" }] });
    assert.deepEqual(shaped.loosened, [{ path: "", what: "patternProperties" }]);
  });

  it("is bounded, however deep, wide or entangled the schema is", () => {
    let deep: unknown = { type: "string" };
    for (let level = 0; level < 5000; level += 1) deep = { type: "array", items: deep };
    const wide = object(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`p${i}`, { type: "string" }])));
    const twice = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `d${i}`,
        { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] },
      ]),
    );
    const circle: { items?: unknown } = {};
    circle.items = circle;
    for (const schema of [deep, wide, { $ref: "#/$defs/d0", $defs: twice }, circle]) {
      const shaped = shapeOf(schema);
      assert.ok(shaped.loosened.length > 0);
      assert.ok(JSON.stringify(schemaOfShape(shaped)).length < 500_000);
    }
  });
});
