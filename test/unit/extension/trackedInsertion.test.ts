import assert from "node:assert/strict";
import fc from "fast-check";
import { type TextChange, TrackedInsertion } from "../../../src/extension/editor/trackedInsertion";

function apply(text: string, { rangeOffset, rangeLength, text: inserted }: TextChange): string {
  return text.slice(0, rangeOffset) + inserted + text.slice(rangeOffset + rangeLength);
}

describe("a tracked insertion", () => {
  it("stays behind its own text", () => {
    const tracked = new TrackedInsertion(3);
    tracked.follow([{ rangeOffset: 3, rangeLength: 0, text: "hello" }]);
    assert.equal(tracked.offset, 8);
  });

  it("follows edits before it and ignores those behind it", () => {
    const tracked = new TrackedInsertion(10);
    tracked.follow([{ rangeOffset: 11, rangeLength: 2, text: "far" }]);
    assert.equal(tracked.offset, 10);
    tracked.follow([{ rangeOffset: 0, rangeLength: 4, text: "x" }]);
    assert.equal(tracked.offset, 7);
  });

  it("moves to the end of an edit that replaces what is around it", () => {
    const tracked = new TrackedInsertion(5);
    tracked.follow([{ rangeOffset: 2, rangeLength: 6, text: "abc" }]);
    assert.equal(tracked.offset, 5);
  });

  it("takes several changes of one event, last in the document first", () => {
    const tracked = new TrackedInsertion(10);
    tracked.follow([
      { rangeOffset: 8, rangeLength: 1, text: "" },
      { rangeOffset: 0, rangeLength: 0, text: "ab" },
    ]);
    assert.equal(tracked.offset, 11);
  });

  it("keeps streamed text whole and in order whatever is typed elsewhere", () => {
    const before = "left ";
    const after = " right";
    const typing = fc.record({ atStart: fc.boolean(), text: fc.string({ maxLength: 5 }) });
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 4 })), fc.array(typing), (chunks, typed) => {
        let document = before + after;
        const tracked = new TrackedInsertion(before.length);
        const edit = (change: TextChange) => {
          document = apply(document, change);
          tracked.follow([change]);
        };
        chunks.forEach((text, index) => {
          edit({ rangeOffset: tracked.offset, rangeLength: 0, text });
          const other = typed[index];
          if (other) edit({ rangeOffset: other.atStart ? 0 : document.length, rangeLength: 0, text: other.text });
        });
        assert.ok(document.includes(before + chunks.join("") + after));
      }),
    );
  });
});
