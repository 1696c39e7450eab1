import assert from "node:assert/strict";
import { Chat, longQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";

describe("the keyboard alone", () => {
  const workbench = useWorkbench();

  it("makes an agent, asks it, stops it with Escape and asks again", async () => {
    const { keyboard } = workbench().page;
    const chat = await Chat.create(workbench(), "Keys");
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

  it("reaches a turn in a few presses and its actions from there, and comes back with Escape", async () => {
    const chat = await Chat.of(workbench(), "Keys");
    const { keyboard } = workbench().page;
    const focusedTurn = chat.frame.locator("article:focus");
    await chat.message.focus();
    for (let presses = 0; (await focusedTurn.count()) === 0; presses++) {
      assert(presses < 5, "Shift+Tab does not reach a turn");
      await keyboard.press("Shift+Tab");
    }
    assert.equal(await focusedTurn.getAttribute("aria-label"), await chat.lastTurn.getAttribute("aria-label"));
    await keyboard.press("ArrowUp");
    await chat.turns.first().and(focusedTurn).waitFor();
    await keyboard.press("Enter");
    const focusedAction = chat.turns.first().locator("button:focus");
    const first = await focusedAction.getAttribute("aria-label");
    await keyboard.press("ArrowRight");
    const second = await focusedAction.getAttribute("aria-label");
    assert(first && second && first !== second);
    await keyboard.press("ArrowDown");
    const below = await chat.turns.first().locator(":focus").getAttribute("aria-label");
    assert(below && below !== first && below !== second);
    await keyboard.press("Escape");
    await chat.turns.first().and(focusedTurn).waitFor();
    await keyboard.press("Escape");
    await focused(chat);
    await keyboard.press("Control+ArrowUp");
    await chat.lastTurn.and(focusedTurn).waitFor();
    await keyboard.press("Tab");
    await focused(chat);
  });

  /** Where a person types is where the focus is. */
  async function focused(chat: Chat): Promise<void> {
    await chat.message.and(chat.frame.locator(":focus")).waitFor();
  }
});
