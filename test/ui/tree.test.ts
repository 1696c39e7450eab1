import assert from "node:assert/strict";
import { Chat } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { insist } from "./support/until";

describe("the Agents view", () => {
  const workbench = useWorkbench();

  const names = ["Left", "Right", "Third"];
  const row = (name: string) => workbench().page.getByRole("treeitem", { name: new RegExp(`^${name}, `) });
  const focusedRow = () => workbench().page.locator(".monaco-list.element-focused .monaco-list-row.focused");
  const allTabs = () => workbench().page.locator(".tabs-container .tab");
  /** Of chats: VS Code may bring an unsaved document of another suite back. */
  const tabs = async () => (await allTabs().allInnerTexts()).map((text) => text.trim()).filter(isName);
  const isName = (text: string) => names.includes(text);
  const rows = () => workbench().page.getByRole("treeitem").locator(".label-name").allTextContents();

  /** The row has the focus, and what its click opens is there: a panel that comes later might take it. */
  async function choose(name: string): Promise<void> {
    await row(name).click();
    await (await Chat.of(workbench(), name)).message.waitFor();
    await focusedRow().filter({ hasText: name }).waitFor();
  }

  it("opens no second tab of a chat that was restored and not shown yet", async () => {
    for (const name of names) {
      const chat = await Chat.create(workbench(), name);
      await chat.message.and(chat.frame.locator(":focus")).waitFor();
    }
    await workbench().reload();
    await Chat.of(workbench(), "Third");
    await workbench().openSection("Agents");
    assert.deepEqual(await tabs(), names);
    for (const name of ["Left", "Right", "Left", "Third"]) {
      await row(name).click();
      const chat = await Chat.of(workbench(), name);
      await chat.message.waitFor();
      assert.deepEqual(await tabs(), names);
    }
  });

  it("keeps the focus after a click, and gives it to the chat with Enter", async () => {
    const { keyboard } = workbench().page;
    await choose("Left");
    await keyboard.press("ArrowDown");
    await focusedRow().filter({ hasText: "Right" }).waitFor();
    await keyboard.press("Enter");
    const chat = await Chat.of(workbench(), "Right");
    await chat.message.and(chat.frame.locator(":focus")).waitFor();
  });

  it("renames with F2 the row that has the focus", async () => {
    const { keyboard } = workbench().page;
    const belowLeft = async () => {
      await choose("Left");
      await keyboard.press("ArrowDown");
      await keyboard.press("F2");
    };
    await workbench().answer(belowLeft, "Rename Right", "Second");
    await row("Second").waitFor();
    const left = async () => {
      await choose("Left");
      await keyboard.press("F2");
    };
    await workbench().answer(left, "Rename Left", "First");
    await row("First").waitFor();
    assert.deepEqual((await rows()).slice(-3), ["First", "Second", "Third"]);
  });

  it("deletes with Delete the row that has the focus, and names it before", async () => {
    const { keyboard } = workbench().page;
    const dialog = workbench().page.getByRole("dialog").filter({ hasText: 'Delete "Third"?' });
    await insist("the last row is to be deleted", async () => {
      await choose("First");
      await keyboard.press("End");
      await keyboard.press("Delete");
      await dialog.waitFor({ timeout: 3_000 });
    });
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await row("Third").waitFor({ state: "detached" });
    await allTabs().filter({ hasText: "Third" }).waitFor({ state: "detached" });
    assert.deepEqual((await rows()).slice(-2), ["First", "Second"]);
  });
});
