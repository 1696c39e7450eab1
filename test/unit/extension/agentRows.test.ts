import assert from "node:assert/strict";
import { shownName } from "../../../src/common/shownName";
import { RowClicks } from "../../../src/extension/agents/rowClicks";
import { toggledRow } from "../../../src/extension/agents/toggledRow";

describe("a row of the Agents view", () => {
  it("is the focused one when its selection was toggled, on or off", () => {
    assert.equal(toggledRow([], ["b"]), "b");
    assert.equal(toggledRow(["a"], ["a", "b"]), "b");
    assert.equal(toggledRow(["b"], []), "b");
    assert.equal(toggledRow(["a", "b"], ["a"]), "b");
    assert.equal(toggledRow(["a"], ["a"]), undefined);
  });

  it("is double-clicked when it is clicked twice within half a second", () => {
    let now = 0;
    const clicks = new RowClicks(() => now);
    const clickAt = (atMs: number, id: string) => {
      now = atMs;
      return clicks.isSecond(id);
    };
    assert.deepEqual(
      [clickAt(0, "a"), clickAt(200, "a"), clickAt(300, "a"), clickAt(900, "a"), clickAt(950, "b"), clickAt(1400, "b")],
      [false, true, false, false, false, true],
    );
  });
});

describe("a name in a list", () => {
  it("is shown as it is where it turns nothing around", () => {
    for (const name of ["Ada", "Agent 1", "Привет", "名前", "🦊"]) assert.equal(shownName(name), name);
  });

  it("is isolated where it is written from right to left, and has no control of direction", () => {
    assert.equal(shownName("שלום"), "\u2068שלום\u2069");
    assert.equal(shownName("مرحبا 1"), "\u2068مرحبا 1\u2069");
    assert.equal(shownName("a\u202egnirts\u202c"), "agnirts");
    assert.equal(shownName("\u2069\u202eא"), "\u2068א\u2069");
  });
});
