import assert from "node:assert/strict";
import { parseSync } from "oxc-parser";
import { longQuestion, shortQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";
import { until } from "./support/until";

describe("Resident: Generate from the palette", () => {
  const workbench = useWorkbench();

  const text = async () => (await workbench().page.locator(".editor-instance .view-lines").innerText()).trim();

  it("writes the answer into a new document, and one undo removes it", async () => {
    await workbench().answer("Resident: Generate…", "Generate", shortQuestion);
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
    await workbench().answer("Resident: Generate…", "Generate", longQuestion);
    const lines = workbench().page.locator(".editor-instance .view-line");
    await lines.filter({ hasText: /\w/ }).first().waitFor({ timeout: 60_000 });
    await progress().getByRole("button", { name: "Cancel" }).waitFor();
    await workbench().screenshot("generate-dark");
    await progress().getByRole("button", { name: "Cancel" }).click();
    await progress().waitFor({ state: "hidden" });
    assert.notEqual(await text(), "");
  });

  it("writes code that parses into a code file: no fence, nothing selected, the cursor behind it", async () => {
    const { page } = workbench();
    await workbench().openFile("app.ts");
    await workbench().answer(
      "Resident: Generate…",
      "Generate",
      "Write a TypeScript function largest that returns the largest number of an array.",
    );
    await page
      .locator(".editor-instance .view-line")
      .filter({ hasText: "largest" })
      .first()
      .waitFor({ timeout: 60_000 });
    await progress().waitFor({ state: "hidden", timeout: 60_000 });
    const written = await source();
    const { errors, program } = parseSync("app.ts", written);
    assert.deepEqual(errors, [], written);
    assert(program.body.length > 0 && !written.includes("```"), written);
    await page.keyboard.type("//");
    await until("what is typed stands behind the answer", async () => (await source()) === `${written}//`);
  });

  /** The text of the editor that is shown, as its lines stand. */
  function source(): Promise<string> {
    return workbench()
      .page.locator(".editor-instance .view-line")
      .evaluateAll((lines) =>
        lines
          .map((line) => ({ top: line.getBoundingClientRect().top, text: line.textContent ?? "" }))
          .sort((a, b) => a.top - b.top)
          .map(({ text }) => text.replaceAll("\u00a0", " "))
          .join("\n"),
      );
  }

  function progress() {
    return workbench().page.locator(".notification-list-item").filter({ hasText: "Resident: Generating" });
  }
});
