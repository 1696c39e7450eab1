import assert from "node:assert/strict";
import type { ChatUpdate } from "../../src/protocol/chat";
import { showPages } from "../support/webview/openPages";
import { chatSamples } from "../support/webview/samples/chat";

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

  it("keeps what a reader has selected in a text that streams, also at its end", async () => {
    await opened().show("chat", "streaming", "dark");
    const selected = () => tab().evaluate(() => getSelection()?.toString());
    await tab().evaluate(() => {
      const text = document.querySelector("article:last-of-type .md p")?.firstChild;
      if (text) getSelection()?.setBaseAndExtent(text, 4, text, 40);
    });
    const before = "test needs a function with a missing";
    assert.equal(await selected(), before);
    const last = chatSamples["streaming"]?.at(-1);
    assert(last?.type === "text");
    let { offset, text } = last.delta;
    let answer = "";
    for (const more of [" that", " follows", ", not on", " its line."]) {
      offset += text.length;
      text = more;
      answer += more;
      await post({ ...last, delta: { ...last.delta, offset, text } });
      await tab().getByText(answer.trim()).last().waitFor();
      assert.equal(await selected(), before, more);
    }
    const shown = await tab().evaluate(() => document.querySelector("article:last-of-type .md")?.textContent ?? "");
    const user = "Write the test that would have caught this.";
    const turn = { id: "t4", user, answer: shown, state: "done", finishReason: "stop", createdAt: 0 } as const;
    await post({ type: "turn", turn: { ...turn, figures: last.delta.figures } });
    await tab().locator("article:last-of-type .caret").waitFor({ state: "detached" });
    assert.equal(await selected(), before, "at the end");
  });

  /** 640 × 430 is a window of 1,280 × 860 at 200 %. */
  for (const [width, height] of [
    [640, 430],
    [320, 430],
    [640, 300],
  ] as const) {
    it(`keeps the transcript readable and Send in view with a long draft, at ${width} × ${height}`, async () => {
      await opened().show("chat", "done", "dark");
      await tab().setViewportSize({ width, height });
      await tab().getByRole("textbox").fill("A line of a long draft\n".repeat(60));
      const send = await tab().getByRole("button", { name: "Send" }).boundingBox();
      assert(send && send.y + send.height <= height, `Send ends at ${send ? send.y + send.height : "?"} of ${height}`);
      const log = await tab().getByRole("log").boundingBox();
      assert(log && log.height >= height * 0.25, `the transcript has ${log?.height} of ${height}`);
    });
  }

  for (const state of ["done", "server", "serverUntold", "ownSampling"]) {
    it(`has a header whose parts stand apart: ${state}`, async () => {
      await opened().show("chat", state, "dark");
      for (const width of [320, 340, 560, 610, 640, 700, 1200]) {
        await opened().resize(width);
        const parts = await tab()
          .locator(".head h1, .head .model > *, .head .chip, .head .ctx, .head .tools")
          .evaluateAll((all) =>
            all.map((one) => ({ text: one.textContent, box: one.getBoundingClientRect().toJSON() })),
          );
        for (const [index, one] of parts.entries()) {
          assert.ok(one.box.left >= 0 && one.box.right <= width, `${one.text} at ${width}`);
          for (const other of parts.slice(index + 1)) {
            const isApart = one.box.right <= other.box.left + 1 || other.box.right <= one.box.left + 1;
            const isBelow = one.box.bottom <= other.box.top + 1 || other.box.bottom <= one.box.top + 1;
            assert.ok(isApart || isBelow, `${one.text} and ${other.text} at ${width}`);
          }
        }
        if (!state.startsWith("server")) continue;
        const host = tab().locator(".head .host .cut");
        const shown = await host.evaluate((one) => one.clientWidth / one.scrollWidth);
        assert.ok(shown > (state === "server" ? 0.99 : 0.4), `${shown} of the host at ${width}`);
      }
    });
  }

  it("keeps Send in view with a failure and a load, too", async () => {
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

  async function post(update: ChatUpdate): Promise<void> {
    await tab().evaluate((message) => window.postMessage(message, "*"), update);
  }
});
