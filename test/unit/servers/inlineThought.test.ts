import assert from "node:assert/strict";
import fc from "fast-check";
import { InlineThought } from "../../../src/servers/inlineThought";

function split(pieces: readonly string[], isAnswer = false) {
  const inline = new InlineThought(isAnswer);
  const all = [...pieces.map((piece) => inline.push(piece)), inline.finish()];
  return { thought: all.map(({ thought }) => thought).join(""), text: all.map(({ text }) => text).join("") };
}

describe("A thought inside of a server's text", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["<think>\nhm\n</think>\n\n4", "hm\n", "4"],
    ["\n <think>hm</think>4", "hm", "4"],
    ["<thinking>hm</thinking>4", "hm", "4"],
    ["[THINK]hm[/THINK]4", "hm", "4"],
    ["<think></think>4", "", "4"],
    ["<think>hm </thin </think> 4 </think>", "hm </thin ", "4 </think>"],
    ["<think>never ends </th", "never ends </th", ""],
    ["4 <think>no</think>", "", "4 <think>no</think>"],
    ["<thin", "", "<thin"],
    ["<thin air", "", "<thin air"],
    ["  4", "", "  4"],
    ["", "", ""],
    ["<think>hm</think>  ", "hm", ""],
  ];

  for (const [said, thought, text] of cases) {
    it(`is found in ${JSON.stringify(said)}, split anywhere`, () => {
      assert.deepEqual(split([said]), { thought, text });
      assert.deepEqual(split([...said]), { thought, text });
      for (let at = 0; at < said.length; at++) {
        assert.deepEqual(split([said.slice(0, at), said.slice(at)]), { thought, text }, String(at));
      }
    });
  }

  it("is none where an answer is continued", () => {
    assert.deepEqual(split(["<think>", "x</think>"], true), { thought: "", text: "<think>x</think>" });
  });

  it("leaves any other text as it is, however it is split", () => {
    const bits = fc.constantFrom("<", "think", ">", "/", " ", "\n", "a", "[THINK]", "</think>");
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 12 }), (pieces) => {
        const whole = pieces.join("");
        assert.deepEqual(split(pieces), split([whole]));
        if (!/^\s*(<think|\[THINK)/.test(whole)) assert.deepEqual(split(pieces), { thought: "", text: whole });
      }),
    );
  });

  it("may come behind much white space, which is not kept for ever", () => {
    const spaces = " ".repeat(100_000);
    assert.equal(split([spaces, "x"]).text, `${spaces}x`);
  });
});
