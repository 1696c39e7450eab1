import assert from "node:assert/strict";
import type { JsonObject } from "../../../../src/common/tools";
import { type ToolFormatName, toolFormats } from "../../../../src/text/tools/formats";
import { heard, piecesOf } from "../../../support/text/toolTexts";

/** The arguments of the one call in `text`. */
function argumentsIn(format: ToolFormatName, text: string, parameters: JsonObject) {
  const tools = [{ name: "t", description: "", parameters }];
  const { calls, dropped } = heard(
    toolFormats[format],
    piecesOf(toolFormats[format], text, "texts"),
    "texts",
    false,
    tools,
  );
  assert.deepEqual([calls.length, dropped], [1, []], text);
  return calls[0]?.arguments;
}

const inJson = (args: string) => `<tool_call>\n{"name": "t", "arguments": ${args}}\n</tool_call>`;
const inXml = (args: Readonly<Record<string, string>>) => {
  const parameters = Object.entries(args).map(([key, value]) => `<parameter=${key}>\n${value}\n</parameter>\n`);
  return `<tool_call>\n<function=t>\n${parameters.join("")}</function>\n</tool_call>`;
};

const object = (properties: object, more: object = {}) => ({ type: "object", properties, ...more });
const text = { type: "string" };
const integer = { type: "integer" };
const flag = { type: "boolean" };

describe("A number where a text is wanted", () => {
  const parameters = object({ v: text, list: { type: "array", items: text }, n: { type: "number" } });

  it("keeps how it was written, in every form of calls", () => {
    const written = ["1.10", "12345678901234567890", "1e3", "-0", "5.0"];
    for (const v of written) {
      const args = `{"v": ${v}, "list": [${v}, 7]}`;
      const expected = { v, list: [v, "7"] };
      assert.deepEqual(argumentsIn("hermes", inJson(args), parameters), expected, v);
      assert.deepEqual(argumentsIn("hermes", inJson(`{'v': ${v}, list: [${v}, 7],}`), parameters), expected, v);
      assert.deepEqual(argumentsIn("llamaJson", `{"name": "t", "parameters": ${args}}`, parameters), expected, v);
      assert.deepEqual(argumentsIn("mistralArgs", `[TOOL_CALLS]t[ARGS]${args}`, parameters), expected, v);
      const message = `<|channel|>commentary to=functions.t <|constrain|>json<|message|>${args}<|call|>`;
      assert.deepEqual(argumentsIn("harmony", message, parameters), expected, v);
      assert.deepEqual(
        argumentsIn("gemma4", `<|tool_call>call:t{v:${v},list:[${v},7]}<tool_call|>`, parameters),
        expected,
        v,
      );
      const call = `<|tool_call_start|>[t(v=${v}, list=[${v}, 7])]<|tool_call_end|>`;
      assert.deepEqual(argumentsIn("lfm2", call, parameters), expected, v);
    }
    const python = "<|tool_call_start|>[t(v=0x1F, list=[1_000])]<|tool_call_end|>";
    assert.deepEqual(argumentsIn("lfm2", python, parameters), { v: "0x1F", list: ["1_000"] });
  });

  it("keeps it behind megabytes of text and of escapes", () => {
    for (const content of ["x".repeat(4e6), "\\n".repeat(2e6), '\\"'.repeat(2e6)]) {
      const args = `{"v": "${content}", "list": [1.10]}`;
      const given = argumentsIn("hermes", inJson(args), parameters);
      assert.deepEqual(given?.["list"], ["1.10"]);
      assert.equal(given?.["v"], JSON.parse(`"${content}"`));
    }
  });

  it("is a number where one is wanted, or where nothing is known", () => {
    assert.deepEqual(argumentsIn("hermes", inJson('{"n": 1.10, "other": {"a": 5.0}}'), parameters), {
      n: 1.1,
      other: { a: 5 },
    });
    assert.deepEqual(argumentsIn("hermes", inJson('{"k": 5.0}'), object({ k: integer })), { k: 5 });
    assert.deepEqual(argumentsIn("hermes", inJson('{"k": 5.50}'), object({ k: integer })), { k: 5.5 });
    assert.deepEqual(argumentsIn("hermes", inJson('{"k": 1e999}'), object({ k: integer })), { k: "1e999" });
  });
});

describe("A value of a list of constants", () => {
  const parameters = object({ c: { enum: [1, "one", null, true, { a: [1] }, "1.10"] }, none: { const: null } });

  it("is the constant that is meant", () => {
    const cases: readonly (readonly [string, unknown])[] = [
      ["1", 1],
      ["one", "one"],
      ["null", null],
      ["true", true],
      ['{"a": [1]}', { a: [1] }],
      ["1.10", "1.10"],
    ];
    for (const [written, value] of cases) {
      assert.deepEqual(argumentsIn("qwenXml", inXml({ c: written }), parameters), { c: value }, written);
      const json = value === "one" ? '"one"' : written;
      assert.deepEqual(argumentsIn("hermes", inJson(`{"c": ${json}}`), parameters), { c: value }, json);
    }
    assert.deepEqual(argumentsIn("qwenXml", inXml({ none: "null" }), parameters), { none: null });
    assert.deepEqual(argumentsIn("hermes", inJson('{"e": 1}'), object({ e: { enum: ["1", "2"] } })), { e: "1" });
  });

  it("or of any form that an alternative allows stays as it is", () => {
    for (const anything of [{}, true, { description: "any" }]) {
      const parameters = object({ x: { anyOf: [anything, object({ a: integer })] } }, { required: ["x"] });
      for (const x of ["null", "7", '"7"', '{"a": "b"}', "[1.10]"]) {
        const args = `{"x": ${x}}`;
        assert.deepEqual(argumentsIn("hermes", inJson(args), parameters), JSON.parse(args));
      }
    }
    const oneOfBoth = object({ a: integer }, { anyOf: [{ required: ["a"] }, { required: ["b"] }] });
    assert.deepEqual(argumentsIn("qwenXml", inXml({ a: "7" }), oneOfBoth), { a: 7 });
  });

  it("is left out where it is null and null is none of them", () => {
    assert.deepEqual(argumentsIn("hermes", inJson('{"e": null}'), object({ e: { enum: ["a", "b"] } })), {});
  });
});

describe("An argument whose schema stands elsewhere", () => {
  const args = { count: "5", on: "False", list: '["a"]' };
  const typed = { count: 5, on: false, list: ["a"] };
  const body = object({ count: integer, on: flag, list: { type: "array", items: text } }, { required: ["count"] });
  const schemas: readonly (readonly [string, JsonObject])[] = [
    ["behind a reference", { $ref: "#/definitions/Args", definitions: { Args: body } }],
    [
      "in parts",
      { allOf: [object({ count: integer }), object({ on: flag }), { $ref: "#/$defs/l" }], $defs: { l: body } },
    ],
    ["in alternatives", { anyOf: [object({ count: integer, on: flag }), body] }],
    ["in a part of alternatives", { oneOf: [{ allOf: [body] }, object({ other: text })] }],
    ["under a condition", { ...object({ count: integer, on: flag }), if: {}, else: body }],
  ];
  for (const [where, parameters] of schemas) {
    it(`${where} has its type`, () => {
      assert.deepEqual(argumentsIn("qwenXml", inXml(args), parameters), typed);
      const inner = object(
        { o: { ...parameters, $defs: undefined, definitions: undefined } },
        {
          $defs: parameters["$defs"],
          definitions: parameters["definitions"],
        },
      );
      assert.deepEqual(argumentsIn("hermes", inJson(`{"o": ${JSON.stringify(args)}}`), inner), { o: typed });
    });
  }

  it("is required where a part says so, not where an alternative does", () => {
    const drop = (parameters: JsonObject) => {
      const tools = [{ name: "t", description: "", parameters }];
      const format = toolFormats.hermes;
      return heard(format, piecesOf(format, inJson("{}"), "texts"), "texts", false, tools).dropped.map(
        ({ reason }) => reason,
      );
    };
    assert.deepEqual(drop({ $ref: "#/$defs/a", $defs: { a: body } }), ["malformed"]);
    assert.deepEqual(drop({ allOf: [{}, body] }), ["malformed"]);
    assert.deepEqual(drop({ anyOf: [body, object({})] }), []);
  });

  it("among many alternatives takes time in proportion to the values", () => {
    const alternatives = Array.from({ length: 200 }, (_, i) => ({
      anyOf: [object({ [`k${i}`]: integer }), { type: "null" }],
    }));
    const parameters = object({ list: { type: "array", items: { anyOf: alternatives } } });
    const list = Array.from({ length: 20_000 }, (_, i) => ({ [`k${i % 200}`]: "5" }));
    const before = process.cpuUsage();
    const given = argumentsIn("hermes", inJson(JSON.stringify({ list })), parameters);
    const { user } = process.cpuUsage(before);
    assert.deepEqual(
      given?.["list"],
      list.map((one) => Object.fromEntries(Object.keys(one).map((key) => [key, 5]))),
    );
    // Looking through all alternatives for each value took a quarter of a minute.
    assert.ok(user < 4_000_000, `${user / 1e6} s`);
  });

  it("in a circle ends", () => {
    const parameters = { $ref: "#/$defs/a", $defs: { a: { allOf: [{ $ref: "#" }, { $ref: "#/$defs/a" }, body] } } };
    assert.deepEqual(argumentsIn("qwenXml", inXml(args), parameters), typed);
  });

  it("by its place in a list has the type of that place", () => {
    const parameters = object({
      l: { type: "array", prefixItems: [text, integer], items: flag },
      older: { type: "array", items: [integer], additionalItems: text },
    });
    const given = '{"l": [1, "2", "true"], "older": ["1", 2]}';
    assert.deepEqual(argumentsIn("hermes", inJson(given), parameters), { l: ["1", 2, true], older: [1, "2"] });
  });

  it("by a pattern of its name stays, where no other names are allowed, and has its type", () => {
    const typedByName = { "^x-": integer };
    const numbers = object({ a: text }, { patternProperties: typedByName, additionalProperties: false });
    assert.deepEqual(argumentsIn("qwenXml", inXml({ a: "7", "x-c": "7" }), numbers), { a: "7", "x-c": 7 });
    const parameters = object({ a: text }, { patternProperties: { "^x-": {} }, additionalProperties: false });
    assert.deepEqual(argumentsIn("hermes", inJson('{"a": "b", "x-c": 1}'), parameters), { a: "b", "x-c": 1 });
  });
});
