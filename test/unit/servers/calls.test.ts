import assert from "node:assert/strict";
import type { ToolSpec } from "../../../src/common/tools";
import { CallAssembler, mostCallCharacters, mostCalls } from "../../../src/servers/callAssembler";
import { Asked, callReader, newIds } from "../../support/servers/asked";
import { delta, ended, said, scriptedServer, stream } from "../../support/servers/scriptedServer";

const tools: readonly ToolSpec[] = [
  { name: "read", description: "", parameters: { type: "object", required: ["path"] } },
  { name: "now", description: "" },
  {
    name: "read_more",
    description: "",
    parameters: {
      type: "object",
      properties: { path: { type: "string" }, from: { type: "integer" }, all: { type: "boolean" } },
      required: ["path"],
    },
  },
];

type Piece = Readonly<Record<string, unknown>>;

function assembled(pieces: readonly (readonly Piece[])[], isCut = false, usedIds: readonly string[] = []) {
  const calls = new CallAssembler();
  for (const piece of pieces) assert.equal(calls.push(piece), undefined);
  return calls.finish(callReader(tools), new Set(usedIds), newIds(), isCut);
}

const piece = (index: number | undefined, id: string | undefined | null, name: unknown, args: unknown): Piece => ({
  ...(index === undefined ? {} : { index }),
  ...(id === undefined ? {} : { id, type: "function" }),
  function: { ...(name === undefined ? {} : { name }), ...(args === undefined ? {} : { arguments: args }) },
});

const readA = (id: string) => ({ id, name: "read", arguments: { path: "a" } });
const readB = (id: string) => ({ id, name: "read", arguments: { path: "b" } });

describe("The calls of a server's answer", () => {
  it("are put together by their index", () => {
    const { calls } = assembled([
      [piece(0, "c0", "read", "")],
      [piece(0, undefined, undefined, '{"pa')],
      [piece(1, "c1", "read", '{"path":')],
      [piece(0, undefined, undefined, 'th":"a"}'), piece(1, undefined, undefined, '"b"}')],
    ]);
    assert.deepEqual(calls, [readA("c0"), readB("c1")]);
  });

  const variants: readonly (readonly [string, readonly (readonly Piece[])[], readonly object[]])[] = [
    [
      "whole, in one event",
      [[piece(0, "x", "read", '{"path":"a"}'), piece(1, "y", "read", '{"path":"b"}')]],
      [readA("x"), readB("y")],
    ],
    [
      "whole, all with index 0",
      [[piece(0, "x", "read", '{"path":"a"}')], [piece(0, "y", "read", '{"path":"b"}')]],
      [readA("x"), readB("y")],
    ],
    [
      "whole, all with index 0, without ids",
      [[piece(0, "", "read", '{"path":"a"}')], [piece(0, "", "read", '{"path":"b"}')]],
      [readA("new1"), readB("new2")],
    ],
    [
      "whole, without index and id",
      [[piece(undefined, undefined, "read", '{"path":"a"}'), piece(undefined, undefined, "read", '{"path":"b"}')]],
      [readA("new1"), readB("new2")],
    ],
    [
      "in pieces, without index",
      [
        [piece(undefined, "x", "read", "")],
        [piece(undefined, undefined, undefined, '{"path"')],
        [piece(undefined, undefined, undefined, ':"a"}')],
      ],
      [readA("x")],
    ],
    [
      "with a name in every piece",
      [[piece(0, "x", "read", '{"path"')], [piece(0, "x", "read", ':"a"}')]],
      [readA("x")],
    ],
    [
      "with a name in every piece, without ids",
      [[piece(0, null, "read", '{"path"')], [piece(0, null, "read", ':"a"}')]],
      [readA("new1")],
    ],
    ["with the id in a later piece", [[piece(0, "", "read", '{"path"')], [piece(0, "x", "", ':"a"}')]], [readA("x")]],
    [
      "with arguments as an object",
      [[piece(0, "x", "read", { path: "a" }), piece(0, undefined, "read", { path: "b" })]],
      [readA("x"), readB("new1")],
    ],
    ["with JSON inside of JSON", [[piece(0, "x", "read", JSON.stringify('{"path":"a"}'))]], [readA("x")]],
    [
      "with one id for all",
      [[piece(0, "x", "read", '{"path":"a"}'), piece(1, "x", "read", '{"path":"b"}')]],
      [readA("x"), readB("new1")],
    ],
    ["with a name in white space", [[piece(0, "x", "read\n", '{"path":"a"}')]], [readA("x")]],
    [
      "without arguments",
      [[piece(0, "x", "now", "")], [piece(1, "y", "now", undefined)], [piece(2, "z", "now", "null")]],
      ["x", "y", "z"].map((id) => ({ id, name: "now", arguments: {} })),
    ],
    [
      "with far and negative indices",
      [[piece(1e9, "x", "read", '{"path":"a"}'), piece(-1, "y", "read", '{"path":"b"}')]],
      [readA("x"), readB("y")],
    ],
  ];
  for (const [how, pieces, expected] of variants) {
    it(`are taken ${how}`, () => {
      const { calls, dropped } = assembled(pieces);
      assert.deepEqual([calls, dropped], [expected, []]);
    });
  }

  const typed: readonly (readonly [string, unknown, object])[] = [
    ["numbers and truths as texts", '{"path":"a","from":"3","all":"False"}', { path: "a", from: 3, all: false }],
    ["the same in an object", { path: 7, from: "3" }, { path: "7", from: 3 }],
    ["a version that is a number", '{"path":1.10}', { path: "1.10" }],
    ["Python's form", "{'path': 'a', 'all': True}", { path: "a", all: true }],
    ["a line end in a string", '{"path":"a\nb"}', { path: "a\nb" }],
    ["a bracket too much", '{"path":"a"}}', { path: "a" }],
    ["null for what is not given", '{"path":"a","from":null}', { path: "a" }],
  ];
  for (const [how, args, expected] of typed) {
    it(`have the types of their schema where they come with ${how}`, () => {
      const { calls, dropped } = assembled([[piece(0, "x", "functions.read_more", args)]]);
      assert.deepEqual([calls, dropped], [[{ id: "x", name: "read_more", arguments: expected }], []]);
    });
  }

  it("are split at every character and stay the same", () => {
    const args = '{"path":"a\\"}{\\n", "more":{"x":[1,{}]}}';
    for (let at = 0; at <= args.length; at++) {
      const pieces = [[piece(0, "x", "read", args.slice(0, at))], [piece(0, undefined, undefined, args.slice(at))]];
      assert.deepEqual(assembled(pieces).calls, [{ id: "x", name: "read", arguments: JSON.parse(args) }], String(at));
    }
  });

  it("get a new id where the conversation has theirs already", () => {
    const { calls } = assembled([[piece(0, "call_0", "read", '{"path":"a"}')]], false, ["call_0"]);
    assert.deepEqual(calls, [readA("new1")]);
  });

  it("are dropped with the reason where they cannot be run", () => {
    const deep = `{"path":${"[".repeat(90)}${"]".repeat(90)}}`;
    const dropOf = (name: string, args: string) => assembled([[piece(0, "x", name, args)]]).dropped;
    assert.deepEqual(dropOf("delete", "{}"), [{ name: "delete", reason: "unknown", text: "{}" }]);
    const inherited = '{"__proto__":{"path":"a"}}';
    for (const text of [
      "{}",
      '{"path":"a"}{"path":"a"}',
      '{"path":"a',
      inherited,
      '{"path":',
      "[1]",
      "7",
      '"text"',
      deep,
    ]) {
      assert.deepEqual(dropOf("read", text), [{ name: "read", reason: "malformed", text }], text.slice(0, 20));
    }
  });

  it("lose the last one where the answer was cut, although it could be read", () => {
    const { calls, dropped } = assembled([[piece(0, "x", "read", '{"path":"a"}'), piece(1, "y", "now", "")]], true);
    assert.deepEqual(calls, [readA("x")]);
    assert.deepEqual(dropped, [{ name: "now", reason: "cut", text: "" }]);
  });

  it("are bounded in number and size", () => {
    const many = new CallAssembler();
    assert.equal(many.push(Array.from({ length: mostCalls + 1 }, (_, at) => piece(at, `c${at}`, "now", ""))), "calls");
    const long = new CallAssembler();
    const half = "x".repeat(mostCallCharacters / 2 + 1);
    assert.equal(long.push([piece(0, "x", "read", half)]), undefined);
    assert.equal(long.push([piece(0, undefined, undefined, half)]), "arguments");
  });

  it("take anything and throw nothing", () => {
    for (const odd of [
      null,
      7,
      "x",
      {},
      [null],
      [7],
      [[]],
      [{ function: 7 }],
      [{ index: "0", function: { name: 7 } }],
    ]) {
      const calls = new CallAssembler();
      calls.push(odd);
      assert.deepEqual(calls.finish(callReader(tools), new Set(), newIds(), false).calls, []);
    }
  });
});

describe("An answer with calls", () => {
  const scripted = scriptedServer();

  it("ends with them, whatever reason the server gives", async () => {
    for (const reason of ["tool_calls", "stop", "function_call"]) {
      const call = piece(0, "x", "read", '{"path":"a"}');
      scripted.server.play(stream(said("I read."), delta({ tool_calls: [call] }), ended(reason)));
      const asked = new Asked(scripted.server.url);
      const { finishReason, calls } = await asked.answer({ tools });
      assert.deepEqual([asked.text, finishReason, calls], ["I read.", "calls", [readA("x")]]);
    }
  });

  it("that was cut in a call has none, and says so", async () => {
    scripted.server.play(stream(delta({ tool_calls: [piece(0, "x", "read", '{"path":"a')] }), ended("length")));
    const { finishReason, calls, dropped } = await new Asked(scripted.server.url).answer({ tools });
    assert.deepEqual([finishReason, calls], ["length", []]);
    assert.deepEqual(dropped, [{ name: "read", reason: "cut", text: '{"path":"a' }]);
  });
});
