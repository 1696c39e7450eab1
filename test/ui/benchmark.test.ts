import assert from "node:assert/strict";
import { Chat, shortQuestion } from "./support/chat";
import { useWorkbench } from "./support/suite";

/** Resume reads two long texts: longer than any answer of the other suites. */
const benchLimitMs = 110_000;

describe("a benchmark", () => {
  const workbench = useWorkbench();

  it("makes answers wait with the reason, covers nothing, and shows no agent of its own", async () => {
    const chat = await Chat.create(workbench(), "Waiter");
    await chat.send(shortQuestion);
    await chat.figures();
    await workbench().openSection("Status");
    const status = await workbench().webview('main [aria-label="Engine"]');
    await status.getByText("Run Benchmark").click();
    await status.getByRole("button", { name: /^Resume/ }).click();
    await status.getByRole("progressbar", { name: "Benchmark" }).waitFor();
    await status.getByText("Answers wait until it has ended.").waitFor();
    await chat.send("And of Italy?");
    await chat.lastTurn.getByText("a benchmark is running").waitFor();
    await chat.lastTurn.getByRole("button", { name: "Cancel" }).waitFor();
    assert.equal(await workbench().page.locator(".notification-toast").count(), 0);
    await workbench()
      .page.getByRole("button", { name: /Resume \d+%/ })
      .waitFor();
    const agents = status.getByRole("button", { name: /^Open |Waiter/ });
    assert.deepEqual(await agents.allTextContents(), ["Waiter"]);
    await workbench().screenshot("status-benchmark");
    await status.getByText("Resume at").first().waitFor({ timeout: benchLimitMs });
    await chat.figures();
    assert.deepEqual(await agents.allTextContents(), ["Waiter"]);
  });
});
