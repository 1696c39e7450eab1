import { Chat } from "./support/chat";
import { useWorkbench } from "./support/suite";

describe("the first steps", () => {
  const workbench = useWorkbench();

  it("are shown by a walkthrough with a step for each of them", async () => {
    const { page } = workbench();
    await workbench().resize(1600);
    await workbench().command("Resident: Get Started");
    for (const step of ["Agents that keep what they have read", "Get a model", "Ask several agents together"]) {
      await page.locator(".getting-started-step").filter({ hasText: step }).first().waitFor();
    }
    await page.locator(".getting-started-step").filter({ hasText: "Get a model" }).first().click();
    await page.getByRole("button", { name: "Choose Model" }).waitFor();
    await workbench().webview("text=Qwen3-4B-4bit");
    await workbench().screenshot("walkthrough-dark");
  });

  it("have a key: the agent that was used last is opened from anywhere", async () => {
    const { page } = workbench();
    await Chat.create(workbench(), "Latest");
    await workbench().command("View: Close All Editors");
    await page.getByRole("tab", { name: "Latest" }).waitFor({ state: "hidden" });
    await workbench().quickInput.waitFor({ state: "hidden" });
    await workbench().pressUntil("Control+Alt+KeyJ", page.getByRole("tab", { name: "Latest" }), "visible");
    await Chat.of(workbench(), "Latest");
  });
});
