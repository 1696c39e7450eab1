import assert from "node:assert/strict";
import fc from "fast-check";
import { parseBoundedJson } from "../../../src/common/boundedJson";

describe("JSON of bounded depth", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

  it("is read as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => assert.deepEqual(parseBoundedJson(text), JSON.parse(text))),
    );
  });

  it("may be 64 deep, in lists and objects, and not deeper", () => {
    assert.deepEqual(parseBoundedJson(nested(64)), JSON.parse(nested(64)));
    assert.throws(() => parseBoundedJson(nested(65)), SyntaxError);
    assert.throws(() => parseBoundedJson(`${'{"a":'.repeat(65)}1${"}".repeat(65)}`), /nests deeper/);
    const wide = `[${"[],".repeat(500)}[]]`;
    assert.deepEqual(parseBoundedJson(wide), JSON.parse(wide));
  });

  it("counts no bracket inside of a text", () => {
    const text = JSON.stringify({ ["[".repeat(100)]: `\\"${"{".repeat(100)}` });
    assert.deepEqual(parseBoundedJson(text), JSON.parse(text));
  });

  it("is refused quickly where it is no JSON", () => {
    for (const text of ["", '"', '"\\', "]]", "[", "{", '{"a"'])
      assert.throws(() => parseBoundedJson(text), SyntaxError);
    assert.throws(() => parseBoundedJson("[".repeat(20_000_000)), /nests deeper/);
  });
});
