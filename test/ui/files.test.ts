import assert from "node:assert/strict";
import { Chat, shortQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";

/** Reading some hundred tokens in the background. */
const readLimitMs = 60_000;

describe("files in a chat", () => {
  const workbench = useWorkbench((workbench) => workbench.openSideBar());

  it("are attached by what is typed behind an @, shown with their tokens, and opened from the message", async () => {
    const chat = await Chat.create(workbench(), "Files");
    await chat.send(shortQuestion);
    await chat.figures();
    const before = await chat.tokensInMemory();
    await chat.message.pressSequentially("What does @fibo");
    await chat.frame.getByRole("option").filter({ hasText: "fibonacci.py" }).waitFor();
    await chat.message.press("Enter");
    const draft = chat.frame.getByRole("list", { name: "Attached to the message" });
    await draft.getByRole("button", { name: /^Open file fibonacci\.py\W+\d+ tokens$/ }).waitFor();
    await chat.message.pressSequentially("do?");
    await chat.inMemory(before + 80);
    await chat.screenshot("chat-attached-dark");
    await chat.message.press("Enter");
    await chat.turns.nth(1).waitFor();
    const { reused, prefilled } = await chat.figuresSoFar();
    assert(reused >= before + 80, `${reused} reused, ${before} before`);
    assert(prefilled < 20, `${prefilled} prefilled`);
    await chat.message.press("Escape");
    await chat.figures();
    assert.equal(await draft.count(), 0, "the file left the draft with its message");
    await chat.lastTurn.getByRole("button", { name: /^Open file fibonacci\.py/ }).click();
    await workbench().page.locator(".tab.active").filter({ hasText: "fibonacci.py" }).waitFor();
    await workbench().openEditor("Files");
  });

  it("stay with a message that is edited", async () => {
    const chat = await Chat.of(workbench(), "Files");
    await chat.lastTurn.hover();
    await chat.lastTurn.getByRole("button", { name: "Edit message" }).click();
    await chat.frame.getByRole("list", { name: "Attached to the message" }).getByText("fibonacci.py").waitFor();
    await chat.message.fill("What is it called?");
    await chat.message.press("Enter");
    await chat.lastTurn.getByText("What is it called?").waitFor();
    await chat.lastTurn.getByRole("button", { name: /^Open file fibonacci\.py/ }).waitFor();
    await chat.figures();
    const draft = chat.frame.getByRole("list", { name: "Attached to the message" });
    await draft.waitFor({ state: "detached" });
  });

  it("that cannot be attached say why", async () => {
    const chat = await Chat.of(workbench(), "Files");
    await chat.frame.evaluate(() => {
      const data = new DataTransfer();
      data.setData("text/uri-list", "file:///never/there.ts");
      const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: data });
      document.querySelector("textarea")?.dispatchEvent(drop);
    });
    const reason = chat.frame.getByText("there.ts: It is not there.", { exact: true });
    await reason.waitFor();
    await chat.frame.getByRole("button", { name: "Remove there.ts" }).click();
    await reason.waitFor({ state: "detached" });
  });

  it("are pinned, and read anew when one is saved with much of it changed", async () => {
    const chat = await Chat.of(workbench(), "Files");
    await chat.message.click();
    await workbench().check("Resident: Pin to Agent", "Pin Files", ["notes.md"], "notes");
    const pins = chat.frame.locator("details.pins summary");
    await pins.filter({ hasText: /1 pinned file\s*\d+ tokens/ }).waitFor({ timeout: readLimitMs });
    await chat.screenshot("chat-pinned-dark");
    await workbench().openFile("notes.md");
    const { page } = workbench();
    await page.locator(".editor-instance .view-lines").click();
    await page.keyboard.press("ControlOrMeta+KeyA");
    await page.keyboard.type("All of the notes are different now.");
    await page.keyboard.press("ControlOrMeta+KeyS");
    await workbench().openEditor("Files");
    const again = await Chat.of(workbench(), "Files");
    const line = again.frame.locator("details.pins summary");
    await line.filter({ hasText: /1 of 1 file changed: \d+ tokens read/ }).waitFor({ timeout: readLimitMs });
    await again.screenshot("chat-renewed-dark");
  });
});
