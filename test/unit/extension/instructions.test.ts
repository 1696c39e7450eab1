import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { instructionsLensText } from "../../../src/extension/instructions/instructionsLensText";
import { agentOfPath, instructionsPath } from "../../../src/extension/instructions/instructionsPath";
import { InstructionsVersions } from "../../../src/extension/instructions/instructionsVersions";

describe("instructions as a document", () => {
  it("have the agent's name as title and its id in the path, whatever the name is", () => {
    assert.equal(instructionsPath({ id: "a1", name: "Ada" }), "/a1/Instructions of Ada");
    for (const name of ["Ada", "a/b\\c", "two\nlines", " ", "../..", "Instructions of"]) {
      assert.equal(agentOfPath(instructionsPath({ id: "a1", name })), "a1", name);
    }
  });

  it("are no other path", () => {
    for (const path of [
      "/",
      "/a1",
      "/a1/notes",
      "a1/Instructions of Ada",
      "/a1/Instructions of Ada/x",
      "//Instructions of Ada",
    ]) {
      assert.equal(agentOfPath(path), undefined, path);
    }
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
