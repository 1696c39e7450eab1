import assert from "node:assert/strict";
import { Chat, longQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";

describe("the keyboard alone", () => {
  const workbench = useWorkbench();

  it("makes an agent, asks it, stops it with Escape and asks again", async () => {
    const { keyboard } = workbench().page;
    await workbench().command("Resident: New Agent");
    await workbench().answer("New Agent", "Keys");
    const chat = await Chat.of(workbench(), "Keys");
    await focused(chat);
    await keyboard.type(longQuestion);
    await keyboard.press("Enter");
    await chat.streaming();
    await keyboard.press("Escape");
    await chat.frame.getByRole("article", { name: /, stopped$/ }).waitFor();
    await focused(chat);
    await keyboard.type("Thank you.");
    await keyboard.press("Enter");
    await chat.turns.nth(1).waitFor();
    assert((await chat.figuresSoFar()).reused > 0);
    await keyboard.press("Escape");
    await chat.figures();
  });

  it("reaches a turn's actions, one tab stop with arrow keys inside", async () => {
    const chat = await Chat.of(workbench(), "Keys");
    const actions = chat.lastTurn.getByRole("toolbar", { name: "Turn actions" });
    const focusedAction = actions.locator(":focus");
    for (let presses = 0; (await focusedAction.count()) === 0; presses++) {
      assert(presses < 20, "Shift+Tab does not reach the last turn's actions");
      await workbench().page.keyboard.press("Shift+Tab");
    }
    const first = await focusedAction.getAttribute("aria-label");
    await workbench().page.keyboard.press("ArrowRight");
    const second = await focusedAction.getAttribute("aria-label");
    assert(first && second && first !== second);
  });

  /** Where a person types is where the focus is. */
  async function focused(chat: Chat): Promise<void> {
    await chat.message.and(chat.frame.locator(":focus")).waitFor();
  }
});
