import assert from "node:assert/strict";
import { longSnapshot, rareWord } from "../support/webview/longChat";
import { Chat } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { until } from "./support/until";

/** The page is the real one in the real host; the turns are sent to it by the test, as the host would send them. */
describe("a chat with a hundred turns", () => {
  const workbench = useWorkbench();
  let chat: Chat;

  before(async () => {
    chat = await Chat.create(workbench(), "Long");
    const { turns, ...snapshot } = longSnapshot(101);
    const update = { type: "snapshot", snapshot: { ...snapshot, turns: turns.slice(0, -1) } };
    await chat.frame.evaluate((message) => window.postMessage(message, "*"), update);
    await chat.turns.nth(99).waitFor();
  });

  it("is a few tab stops between its header and the message", async () => {
    const { keyboard } = workbench().page;
    await chat.frame.getByRole("toolbar", { name: "Agent actions" }).getByRole("button").first().focus();
    const inMessage = chat.frame.locator("textarea:focus");
    for (let presses = 0; (await inMessage.count()) === 0; presses++) {
      assert(presses < 5, "Tab does not come to the message");
      await keyboard.press("Tab");
    }
  });

  it("finds a word of its first turn with VS Code's own find widget", async () => {
    const { keyboard } = workbench().page;
    await chat.turns.last().click();
    const find = workbench().page.locator(".simple-find-part.visible");
    await workbench().pressUntil("ControlOrMeta+KeyF", find, "visible");
    await find.getByRole("textbox").fill(rareWord);
    await keyboard.press("Enter");
    const first = chat.turns.first();
    const seen = () => first.evaluate((turn) => turn.getBoundingClientRect().bottom > 0);
    await until("the first turn is in view", seen);
    await chat.screenshot("chat-find-dark");
    await keyboard.press("Escape");
  });
});
