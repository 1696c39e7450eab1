import assert from "node:assert/strict";
import { longQuestion, shortQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";

describe("Resident: Generate from the palette", () => {
  const workbench = useWorkbench();

  const text = async () => (await workbench().page.locator(".editor-instance .view-lines").innerText()).trim();

  it("writes the answer into a new document, and one undo removes it", async () => {
    await workbench().command("Resident: Generate…");
    await workbench().answer("Generate", shortQuestion);
    const lines = workbench().page.locator(".editor-instance .view-line");
    await lines.filter({ hasText: /\w/ }).first().waitFor({ timeout: 60_000 });
    await progress().waitFor({ state: "hidden", timeout: 60_000 });
    assert.notEqual(await text(), "");
    await workbench().page.locator(".editor-instance .view-lines").click();
    await workbench().page.keyboard.press("ControlOrMeta+KeyZ");
    await lines.filter({ hasText: /\w/ }).first().waitFor({ state: "hidden" });
    assert.equal(await text(), "");
  });

  it("is cancelled by the button of its progress, and what was written stays", async () => {
    await workbench().page.locator(".editor-instance .view-lines").click();
    await workbench().command("Resident: Generate…");
    await workbench().answer("Generate", longQuestion);
    const lines = workbench().page.locator(".editor-instance .view-line");
    await lines.filter({ hasText: /\w/ }).first().waitFor({ timeout: 60_000 });
    await progress().getByRole("button", { name: "Cancel" }).waitFor();
    await workbench().screenshot("generate-dark");
    await progress().getByRole("button", { name: "Cancel" }).click();
    await progress().waitFor({ state: "hidden" });
    assert.notEqual(await text(), "");
  });

  function progress() {
    return workbench().page.locator(".notification-list-item").filter({ hasText: "Resident: Generating" });
  }
});
