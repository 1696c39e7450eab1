import { useWorkbench } from "./support/suite";

describe("the settings and the log", () => {
  const workbench = useWorkbench();

  /** Waits until the settings editor's search has found so many. */
  const found = (count: number) =>
    workbench().page.locator(".settings-count-widget").getByText(`${count} Setting`).waitFor();

  /** VS Code may show the settings in front of everything else. */
  const closeSettings = () =>
    workbench().pressUntil("Escape", workbench().page.locator(".settings-count-widget"), "hidden");

  it("shows all settings in one place, in six sections", async () => {
    const { page } = workbench();
    await workbench().command("Resident: Open Settings");
    await found(30);
    for (const section of ["Model", "Memory", "Answers", "Files", "Store", "Tools"]) {
      await page.locator(".settings-toc-container").getByText(section, { exact: true }).first().waitFor();
    }
    await closeSettings();
  });

  it("finds the quota from the status view", async () => {
    await workbench().openSection("Status");
    const status = await workbench().webview('main [aria-label="Engine"]');
    await status.getByRole("button", { name: "Change Quota…" }).click();
    await found(1);
    await workbench().page.locator(".settings-tree-container").getByText("Quota GB").first().waitFor();
    await closeSettings();
  });

  it("shows what is logged, also what comes later", async () => {
    const { page } = workbench();
    await workbench().command("Resident: Show Log");
    await workbench().command("Resident: Load Model");
    await page.locator(".view-lines").getByText("is loaded on").first().waitFor({ timeout: 60_000 });
    await workbench().screenshot("log");
  });
});
