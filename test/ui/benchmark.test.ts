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

describe("the settings and the log", () => {
  const workbench = useWorkbench();

  /** Of the settings editor's search. */
  const found = async (count: number) => {
    const { page } = workbench();
    await page.locator(".settings-count-widget").getByText(`${count} Setting`).waitFor();
  };

  it("shows all settings in one place, in four sections", async () => {
    const { page } = workbench();
    await workbench().command("Resident: Open Settings");
    await found(18);
    for (const section of ["Model", "Memory", "Answers", "Store"]) {
      await page.locator(".settings-toc-container").getByText(section, { exact: true }).first().waitFor();
    }
  });

  it("finds the quota from the status view", async () => {
    await workbench().openSection("Status");
    const status = await workbench().webview('main [aria-label="Engine"]');
    await status.getByRole("button", { name: "Change Quota…" }).click();
    await found(1);
    await workbench().page.locator(".settings-tree-container").getByText("Quota GB").first().waitFor();
  });

  it("shows what was logged", async () => {
    const { page } = workbench();
    await workbench().command("Resident: Show Log");
    await page.locator(".view-lines").getByText("is loaded on").first().waitFor();
  });
});
