import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { agentOfAddress, instructionsAddress } from "../../../src/extension/instructions/instructionsAddress";
import { instructionsLensText } from "../../../src/extension/instructions/instructionsLensText";
import { InstructionsVersions } from "../../../src/extension/instructions/instructionsVersions";

describe("instructions as a document", () => {
  it("have the agent's name as title and its id as authority, whatever the name is", () => {
    assert.deepEqual(instructionsAddress({ id: "a1", name: "Ada" }), { authority: "a1", path: "/Instructions of Ada" });
    for (const name of ["Ada", "a/b\\c", "two\nlines", " ", "../..", "Instructions of"]) {
      assert.equal(agentOfAddress(instructionsAddress({ id: "a1", name })), "a1", name);
    }
  });

  it("are no other document", () => {
    for (const path of ["/", "/notes", "/Instructions of Ada/x"]) {
      assert.equal(agentOfAddress({ authority: "a1", path }), undefined, path);
    }
    assert.equal(agentOfAddress({ authority: "", path: "/Instructions of Ada" }), undefined);
  });

  it("have a later time with every change, and the same time without one", () => {
    let now = 100;
    const versions = new InstructionsVersions(() => now);
    assert.equal(versions.see("a", "one").seenAtMs, 100);
    now = 200;
    assert.equal(versions.see("a", "one").seenAtMs, 100);
    assert.equal(versions.see("a", "two").seenAtMs, 200);
    assert.equal(versions.see("a", "three").seenAtMs, 201, "within the same millisecond");
    assert.ok(versions.isNew("a", "two") && !versions.isNew("a", "three") && versions.isNew("b", ""));
    versions.forget("a");
    assert.ok(versions.isNew("a", "three"));
  });

  it("say their length, whether they are saved, and what saving does", () => {
    const text = (parts: object) =>
      instructionsLensText(
        { characters: 40, tokens: 1212, isDirty: false, isUnread: false, turns: 2, ...parts },
        createFormats("en"),
      );
    assert.equal(text({}), "1,212 tokens");
    assert.equal(text({ tokens: undefined }), "40 characters");
    assert.equal(
      text({ isDirty: true }),
      "1,212 tokens · not saved: once saved, the next message reads the whole conversation again",
    );
    assert.equal(text({ isDirty: true, turns: 0 }), "1,212 tokens · not saved");
    assert.equal(text({ isUnread: true }), "1,212 tokens · saved: the next message reads the whole conversation again");
    assert.equal(text({ isUnread: true, turns: 0 }), "1,212 tokens");
    assert.match(text({ characters: 0, tokens: 0 }), /write them here/);
  });
});
