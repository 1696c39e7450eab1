import assert from "node:assert/strict";
import { showPages } from "../support/webview/openPages";

describe("the room page with as many messages as it keeps", () => {
  const opened = showPages();
  const tab = () => opened().tab;
  const focused = () =>
    tab().evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent);

  before(async () => {
    await opened().resize(340);
    await opened().show("room", "long", "dark");
  });

  it("lays out only those that are near the view", async () => {
    const laidOut = await tab().evaluate(() =>
      [...document.querySelectorAll("article > p")].map((text) =>
        text.checkVisibility({ contentVisibilityAuto: true }),
      ),
    );
    assert.equal(laidOut.length, 30);
    assert.deepEqual([laidOut[0], laidOut.at(-1)], [false, true]);
    assert(laidOut.filter(Boolean).length < 15, `${laidOut.filter(Boolean).length} of 30`);
  });

  it("has one tab stop in its conversation; arrows go from message to message, and inside one", async () => {
    const press = async (...keys: readonly string[]) => {
      for (const key of keys) await tab().keyboard.press(key);
      return focused();
    };
    const message = tab().getByRole("textbox", { name: "Message to the room" });
    await message.focus();
    assert.equal(await press("Shift+Tab"), "Message 30, to all");
    assert.match((await press("Shift+Tab")) ?? "", /agents in the room|Parser reviewer/);
    assert.equal(await press("Tab"), "Message 30, to all");
    assert.equal(await press("ArrowUp"), "Message 29, to all");
    assert.match((await press("Enter")) ?? "", /^Parser reviewer/, "the button that folds the first answer");
    assert.equal(await press("ArrowRight"), "Fork here", "only the newest answer can be made again");
    assert.equal(await press("Escape"), "Message 29, to all");
    assert.equal(await press("Tab"), "Message to the room");
  });
});
