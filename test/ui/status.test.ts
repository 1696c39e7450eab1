import { Chat, shortQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";

describe("the status view", () => {
  const workbench = useWorkbench();

  it("shows the engine, and whose the pool's blocks are", async () => {
    const chat = await Chat.create(workbench(), "Counter");
    await chat.send(shortQuestion);
    await chat.figures();
    await workbench().openSection("Status");
    const status = await workbench().webview('main [aria-label="Engine"]');
    await status.getByText("SmolLM2-135M-Instruct").first().waitFor({ timeout: 60_000 });
    await status.getByRole("img", { name: /^Block map, [\d,]+ blocks: .*Counter \d/ }).waitFor();
    await workbench().screenshot("status-dark");
  });

  it("fits a narrow and a wide side bar, dark and light", async () => {
    const status = await workbench().webview('main [aria-label="Engine"]');
    await workbench().use("light");
    await workbench().screenshot("status-light");
    await workbench().use("dark");
    await workbench().dragSideBar(420);
    await status.getByRole("img", { name: /^Block map/ }).waitFor();
    await workbench().screenshot("status-wide-dark");
  });
});
