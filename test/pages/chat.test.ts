import assert from "node:assert/strict";
import type { ChatUpdate } from "../../src/protocol/chat";
import { showPages } from "../support/webview/openPages";

describe("the chat in a browser", () => {
  const opened = showPages();
  const tab = () => opened().tab;

  it("shows a check on the button that copied, for a moment", async () => {
    await opened().resize(800);
    await opened().show("chat", "done", "dark");
    const copy = tab().getByRole("button", { name: "Copy answer" }).last();
    await copy.click();
    await tab().locator("button[data-done]").waitFor();
    assert.equal(await copy.getAttribute("data-done"), "");
    const icon = () => copy.locator(".codicon").evaluate((one) => getComputedStyle(one, "::before").content);
    const check = await icon();
    assert.equal(await tab().getByRole("status").textContent(), "Copied");
    await tab().locator("button[data-done]").waitFor({ state: "detached" });
    assert.notEqual(await icon(), check);
  });

  it("shows it in the room, too", async () => {
    await opened().show("room", "stopped", "dark");
    await tab().getByRole("button", { name: /^Copy/ }).first().press("Enter");
    await tab().locator("button[data-done]").waitFor();
    assert.equal(await tab().getByRole("status").textContent(), "Copied");
  });

  /** 640 × 430 is a window of 1,280 × 860 at 200 %. */
  for (const [width, height] of [
    [640, 430],
    [320, 430],
    [640, 300],
  ] as const) {
    it(`keeps the transcript readable and Send in view beside a long draft, at ${width} × ${height}`, async () => {
      await opened().show("chat", "done", "dark");
      await tab().setViewportSize({ width, height });
      await tab().getByRole("textbox").fill("A line of a long draft\n".repeat(60));
      const send = await tab().getByRole("button", { name: "Send" }).boundingBox();
      assert(send && send.y + send.height <= height, `Send ends at ${send ? send.y + send.height : "?"} of ${height}`);
      const log = await tab().getByRole("log").boundingBox();
      assert(log && log.height >= height * 0.25, `the transcript has ${log?.height} of ${height}`);
    });
  }

  it("keeps Send in view beside a failure and a load, too", async () => {
    await opened().show("chat", "loading", "dark");
    await tab().setViewportSize({ width: 640, height: 430 });
    await tab().getByRole("textbox").fill("A line of a long draft\n".repeat(60));
    const error = { code: "IO_FAILURE", what: "no text editor is open", advice: "open one", facts: {} } as const;
    const refused = { type: "refused", message: { text: "" }, problem: { error, actions: [] } } satisfies ChatUpdate;
    await tab().evaluate((update) => window.postMessage(update, "*"), refused);
    await tab().getByRole("alert").waitFor();
    const send = await tab().getByRole("button", { name: "Send" }).boundingBox();
    assert(send && send.y + send.height <= 430);
    const log = await tab().getByRole("log").boundingBox();
    assert(log && log.height >= 60, `the transcript has ${log?.height}`);
  });
});
