import assert from "node:assert/strict";
import fc from "fast-check";
import { StopStrings } from "../../../src/text/stopStrings";

/** Everything that is let out of `pieces`, and whether it ended at a stop. */
function run(stops: readonly string[], pieces: readonly string[]) {
  const matcher = new StopStrings(stops);
  let text = "";
  for (const piece of pieces) {
    const step = matcher.push(piece);
    text += step.text;
    if (step.stopped) return { text, stopped: true };
  }
  return { text: text + matcher.finish(), stopped: false };
}

describe("Stop strings", () => {
  it("end the text before the stop, across pieces", () => {
    assert.deepEqual(run(["\nUser:"], ["Hi", "\nUs", "er", ": more"]), { text: "Hi", stopped: true });
    assert.deepEqual(run(["STOP"], ["aSTOPb"]), { text: "a", stopped: true });
  });

  it("hold back only what may become a stop", () => {
    const matcher = new StopStrings(["abc"]);
    assert.deepEqual(matcher.push("xxab"), { text: "xx", stopped: false });
    assert.deepEqual(matcher.push("ab"), { text: "ab", stopped: false });
    assert.deepEqual(matcher.push("d"), { text: "abd", stopped: false });
    assert.equal(matcher.finish(), "");
  });

  it("give back at the end what did not become one", () => {
    assert.deepEqual(run(["abc"], ["xab"]), { text: "xab", stopped: false });
  });

  it("take the stop that is complete first", () => {
    assert.deepEqual(run(["abcd", "bc"], ["abcd"]), { text: "a", stopped: true });
    assert.deepEqual(run(["bcd", "cd"], ["abcd"]), { text: "a", stopped: true });
  });

  it("let nothing out after the end", () => {
    const matcher = new StopStrings(["s"]);
    matcher.push("as");
    assert.deepEqual(matcher.push("more"), { text: "", stopped: true });
    assert.equal(matcher.finish(), "");
  });

  it("ignore empty ones", () => {
    assert.deepEqual(run([""], ["a", "b"]), { text: "ab", stopped: false });
  });

  it("do not depend on how the text comes in pieces", () => {
    const letters = (maxLength: number) => fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength });
    fc.assert(
      fc.property(fc.array(letters(4), { maxLength: 3 }), fc.array(letters(5)), (stops, pieces) => {
        assert.deepEqual(run(stops, pieces), run(stops, [...pieces.join("")]));
        const { text, stopped } = run(stops, pieces);
        assert.ok(pieces.join("").startsWith(text));
        const isThere = stops.some((stop) => stop !== "" && pieces.join("").includes(stop));
        assert.equal(stopped, isThere);
      }),
      { numRuns: 1000 },
    );
  });
});
