import { useWorkbench } from "./support/suite";

describe("VS Code's own chat", () => {
  const workbench = useWorkbench();

  it("has Resident's models in its list at its first opening, signed out, before Resident was used", async () => {
    const { page } = workbench();
    await workbench().command("Chat: Open Chat");
    const input = page.locator(".part.auxiliarybar .interactive-input-part");
    // The starter model takes no tools, so that it is for questions only.
    await input.getByText("Agent", { exact: true }).click();
    await page.locator(".action-widget .monaco-list-row").filter({ hasText: "Ask" }).first().click();
    await input.getByText(/^(Models|SmolLM2.*)$/).click();
    await page.locator(".action-widget .monaco-list-row").filter({ hasText: "SmolLM2-135M-Instruct" }).waitFor();
    await workbench().screenshot("vscode-chat-models");
    await page.keyboard.press("Escape");
  });
});
