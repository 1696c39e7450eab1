import assert from "node:assert/strict";
import { InvalidRequestError, ResidentError } from "../../../../src/common/errors";
import type { JsonObject, ToolSpec } from "../../../../src/common/tools";
import { canonicalTools, templateTools } from "../../../../src/text/tools/canonical";
import { oddJson } from "../../../support/fuzz/hostile";
import { fuzz } from "../../../support/fuzz/untrusted";
import { Random } from "../../../support/random";

const tool = (name: string, parameters?: JsonObject): ToolSpec => ({
  name,
  description: `${name} does it`,
  ...(parameters === undefined ? {} : { parameters }),
});

/** The same with the keys of all objects in another order. */
function shuffled(value: unknown, random: Random): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => ({
    key,
    item: shuffled(item, random),
    at: random.next(),
  }));
  return Object.fromEntries(entries.sort((a, b) => a.at - b.at).map(({ key, item }) => [key, item]));
}

const schema: JsonObject = {
  type: "object",
  properties: {
    path: { type: "string", description: "where" },
    content: { enum: ["z", "a"], type: "string" },
    a: { anyOf: [{ type: "null" }, { minimum: 1, type: "integer" }] },
    nested: { type: "object", required: ["y", "x"], properties: { x: { type: "string" }, y: { type: "string" } } },
  },
  required: ["path", "content"],
  additionalProperties: false,
  $defs: { b: { type: "string" }, a: { type: "string" } },
};

describe("Tools in one order and form", () => {
  const text = (...groups: readonly (readonly ToolSpec[])[]) =>
    JSON.stringify(templateTools(canonicalTools(...groups)));

  it("are the same whatever order tools and keys came in", () => {
    const tools = [tool("write", schema), tool("read", schema), tool("a.b-c_1")];
    const expected = text(tools);
    const random = new Random("order");
    for (let round = 0; round < 50; round += 1) {
      const mixed = random.sample(tools, 3).map((each) => {
        const given = shuffled(each.parameters, random);
        return { ...each, ...(given === undefined ? {} : { parameters: given as JsonObject }) };
      });
      assert.equal(text([...mixed].sort(() => random.next() - 0.5)), expected);
    }
  });

  it("stay in their groups, and by name inside a group", () => {
    const names = canonicalTools([tool("z"), tool("b")], [tool("c"), tool("a")]).map(({ name }) => name);
    assert.deepEqual(names, ["b", "z", "a", "c"]);
  });

  it("have what is required first, then by name; lists keep their order", () => {
    const [ordered] = canonicalTools([tool("t", schema)]);
    const parameters = ordered?.parameters;
    assert.deepEqual(parameters, schema);
    assert.equal(
      JSON.stringify(parameters),
      '{"type":"object","properties":{"path":{"description":"where","type":"string"},"content":{"enum":["z","a"],"type":"string"},' +
        '"a":{"anyOf":[{"type":"null"},{"minimum":1,"type":"integer"}]},' +
        '"nested":{"properties":{"y":{"type":"string"},"x":{"type":"string"}},"required":["y","x"],"type":"object"}},' +
        '"$defs":{"a":{"type":"string"},"b":{"type":"string"}},"additionalProperties":false,"required":["path","content"]}',
    );
  });

  it("without a schema take no arguments", () => {
    const empty = { type: "object", properties: {} };
    assert.deepEqual(templateTools(canonicalTools([tool("now")])), [
      { type: "function", function: { name: "now", description: "now does it", parameters: empty } },
    ]);
    assert.deepEqual(canonicalTools([tool("now", {})])[0]?.parameters, empty);
  });

  it("are refused with two of one name, whatever their groups", () => {
    for (const groups of [[[tool("a"), tool("a")]], [[tool("a")], [tool("a")]]]) {
      assert.throws(
        () => canonicalTools(...groups),
        (error) => {
          return error instanceof InvalidRequestError && error.facts["name"] === "a";
        },
      );
    }
  });

  it("are refused with names that are no identifiers", () => {
    for (const name of ["", "a b", "a/b", "ü", "x".repeat(65), 'a"', "a\n", "<tool_call>"]) {
      assert.throws(() => canonicalTools([tool(name)]), InvalidRequestError, JSON.stringify(name));
    }
    assert.equal(canonicalTools([tool("x".repeat(64))]).length, 1);
  });

  it("are refused with schemas that contain themselves, nest without end, or are no data", () => {
    const cyclic: Record<string, unknown> = { type: "object" };
    cyclic["properties"] = { self: cyclic };
    let deep: JsonObject = {};
    for (let level = 0; level < 100_000; level += 1) deep = { items: deep };
    const wide: Record<string, unknown> = {};
    wide["anyOf"] = [wide, wide, wide];
    for (const given of [cyclic, deep, wide, { default: 1n }, { default: () => 1 }, { default: Number.NaN }]) {
      assert.throws(() => canonicalTools([tool("t", given)]), InvalidRequestError);
    }
  });

  it("never throw anything else, whatever their schemas are", () =>
    fuzz(2_000, (random) => {
      const parameters = oddJson(random, schema) as JsonObject;
      const groups = [[tool("t", parameters), tool("u", schema)]];
      try {
        assert.equal(text(...groups), text(...groups.map((group) => [...group].reverse())));
      } catch (error) {
        if (!(error instanceof ResidentError)) throw error;
      }
    }));
});
