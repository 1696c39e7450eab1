import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import type { ChatCommand } from "../../../src/protocol/chat";
import type { TurnChain } from "../../../src/protocol/service";
import { branchesView } from "../../../src/webview/chat/branches";
import { Slot } from "../../../src/webview/shared/slot";
import { useDocument } from "../../support/webview/dom";
import { byRole, nodesOf, text } from "../../support/webview/trees";

const formats = createFormats("en");

function chain(turn: string, change: Partial<TurnChain> = {}): TurnChain {
  const base = { current: false, isEnd: true, user: "hi", answer: `Answer ${turn}`, turns: 1, tokens: 9, createdAt: 0 };
  return { ...base, turn, ...change };
}

const two = [chain("t1", { current: true }), chain("t2")];
const four = [
  chain("t1", { current: true, isEnd: false }),
  chain("t2", { after: "t1", isEnd: false }),
  chain("t3", { after: "t2" }),
  chain("t4", { after: "t2" }),
  chain("t5", { after: "t1" }),
  chain("t6", { after: "t1", current: true }),
];

describe("the branches under a conversation", () => {
  const newRoot = useDocument();

  function show(branches: readonly TurnChain[], fixed = false) {
    const commands: ChatCommand[] = [];
    const node = branchesView({ branches }, fixed, formats, (command) => commands.push(command));
    const root = newRoot();
    new Slot(root).show(node);
    return { node, root, commands };
  }

  it("are not there while there is one only", () => {
    assert.equal(
      branchesView({ branches: [] }, false, formats, () => {}),
      undefined,
    );
    assert.equal(
      branchesView({ branches: [chain("t1", { current: true })] }, false, formats, () => {}),
      undefined,
    );
  });

  it("are a list while they are few, with the current one marked and not to be chosen", () => {
    const { node, root, commands } = show(two);
    assert.match(text(node), /1 other branch/);
    const rows = [...root.querySelectorAll("button")];
    assert.deepEqual(
      rows.map((row) => row.getAttribute("aria-current")),
      ["true", null],
    );
    for (const row of rows) row.dispatchEvent(new Event("click"));
    assert.deepEqual(commands.at(-1), { type: "switchBranch", turn: "t2" });
    assert.match(rows[1]?.getAttribute("title") ?? "", /last asked Jan 1, 1970/);
  });

  it("are a tree with levels where there are more than three", () => {
    const { node } = show(four);
    byRole("tree", node);
    const items = nodesOf(node).filter(({ props }) => props["role"] === "treeitem");
    assert.deepEqual(
      items.map(({ key, props }) => [key, props["aria-level"], props["tabindex"]]),
      [
        ["t1", 1, -1],
        ["t2", 2, -1],
        ["t3", 3, -1],
        ["t4", 3, -1],
        ["t5", 2, -1],
        ["t6", 1, 0],
      ],
    );
  });

  it("are chosen with the keyboard: arrows move the focus, Enter switches", () => {
    const { root, commands } = show(four);
    const items = [...root.querySelectorAll<HTMLElement>("[role=treeitem]")];
    const focused: string[] = [];
    items.forEach((item, index) => {
      item.focus = () => focused.push(`t${index + 1}`);
    });
    const press = (index: number, key: string) => {
      const event = Object.assign(new Event("keydown", { bubbles: true, cancelable: true }), { key });
      items[index]?.dispatchEvent(event);
    };
    press(5, "ArrowUp");
    press(3, "ArrowLeft");
    press(1, "ArrowRight");
    press(2, "Home");
    press(2, "End");
    assert.deepEqual(focused, ["t5", "t2", "t3", "t1", "t6"]);
    press(2, "Enter");
    press(5, "Enter");
    assert.deepEqual(commands, [{ type: "switchBranch", turn: "t3" }]);
  });

  it("cannot be switched while an answer runs", () => {
    const { root, commands } = show(four, true);
    for (const item of root.querySelectorAll("[role=treeitem]")) item.dispatchEvent(new Event("click"));
    assert.deepEqual(commands, []);
  });
});
