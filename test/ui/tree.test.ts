import assert from "node:assert/strict";
import { Chat } from "./support/chat";
import { useWorkbench } from "./support/suite";

describe("the Agents view", () => {
  const workbench = useWorkbench();

  const row = (name: string) => workbench().page.getByRole("treeitem", { name: new RegExp(`^${name}, `) });
  const tabs = (name: string) => workbench().page.locator(".tabs-container .tab").filter({ hasText: name });
  const focusedRow = () => workbench().page.locator(".monaco-list.element-focused .monaco-list-row.focused");

  it("shows a chat with a click", async () => {
    const names = ["Left", "Twin", "Twin"];
    for (const [index, name] of names.entries()) {
      const chat = await Chat.create(workbench(), name);
      await workbench().page.locator(".tabs-container .tab").nth(index).waitFor();
      await chat.message.and(chat.frame.locator(":focus")).waitFor();
    }
    await workbench().openSection("Agents");
    await row("Left").click();
    await Chat.of(workbench(), "Left");
  });

  it("opens no second tab of a chat that was restored and not shown yet, also where two have the same name", async () => {
    await workbench().reload();
    await Chat.of(workbench(), "Left");
    await workbench().openSection("Agents");
    assert.deepEqual(await counts(), [1, 2]);
    for (const which of [0, 1, 0]) {
      await row("Twin").nth(which).click();
      await Chat.of(workbench(), "Twin");
      assert.deepEqual(await counts(), [1, 2]);
    }
    await row("Left").click();
    await Chat.of(workbench(), "Left");
    assert.deepEqual(await counts(), [1, 2]);
  });

  it("keeps the focus after a click, and gives it to the chat with Enter", async () => {
    const { keyboard } = workbench().page;
    await row("Left").click();
    await focusedRow().filter({ hasText: "Left" }).waitFor();
    await keyboard.press("ArrowDown");
    await focusedRow().filter({ hasText: "Twin" }).waitFor();
    await keyboard.press("Enter");
    const chat = await Chat.of(workbench(), "Twin");
    await chat.message.and(chat.frame.locator(":focus")).waitFor();
  });

  it("renames with F2 the row that has the focus", async () => {
    const { keyboard } = workbench().page;
    await row("Left").click();
    await focusedRow().filter({ hasText: "Left" }).waitFor();
    await keyboard.press("ArrowDown");
    await keyboard.press("ArrowDown");
    await keyboard.press("F2");
    await workbench().answer("Rename Twin", "Second");
    await row("Second").waitFor();
    await row("Left").click();
    await focusedRow().filter({ hasText: "Left" }).waitFor();
    await keyboard.press("F2");
    await workbench().answer("Rename Left", "First");
    await row("First").waitFor();
    assert.deepEqual((await names()).slice(-3), ["First", "Twin", "Second"], "the first of the twins keeps its name");
  });

  it("deletes with Delete the row that has the focus, and names it before", async () => {
    const { keyboard } = workbench().page;
    await row("First").click();
    await focusedRow().filter({ hasText: "First" }).waitFor();
    await keyboard.press("End");
    await keyboard.press("Delete");
    const dialog = workbench().page.getByRole("dialog").filter({ hasText: 'Delete "Second"?' });
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await row("Second").waitFor({ state: "detached" });
    await tabs("Second").waitFor({ state: "detached" });
    assert.deepEqual((await names()).slice(-2), ["First", "Twin"]);
  });

  async function counts(): Promise<readonly number[]> {
    return [await tabs("Left").count(), await tabs("Twin").count()];
  }

  async function names(): Promise<readonly string[]> {
    return workbench().page.getByRole("treeitem").locator(".label-name").allTextContents();
  }
});
