import assert from "node:assert/strict";
import type { ChatUpdate } from "../../src/protocol/chat";
import { shortResult } from "../../src/protocol/turnSteps";
import { showPages } from "../support/webview/openPages";

/** Two side bars, a panel, and 640 px at 200 %. */
const widths = [320, 340, 378, 600, 1200];

describe("a turn with steps in a browser", () => {
  const opened = showPages();
  const tab = () => opened().tab;
  const line = (verb: string) =>
    tab()
      .locator("details.call > summary", { hasText: new RegExp(`^${verb}`) })
      .first();

  for (const state of ["stepsOpen", "stepsWaiting", "stepsHostile", "dropped", "stepRunning"]) {
    it(`never widens the conversation: ${state}`, async () => {
      await opened().show("chat", state, "dark");
      for (const width of widths) {
        await opened().resize(width);
        const wider = await opened().wider(".log, .step, .calls, .call, .call-parts > pre");
        assert.deepEqual(wider, [], `at ${width} px`);
      }
    });
  }

  it("keeps the name of a call and its state in view at any width", async () => {
    await opened().show("chat", "stepsWaiting", "dark");
    for (const width of widths) {
      await opened().resize(width);
      const seen = await tab().evaluate(() =>
        [...document.querySelectorAll("summary .call-name, summary .call-state")].map((part) => {
          const { width, right } = part.getBoundingClientRect();
          const isWhole = part.scrollWidth <= part.clientWidth;
          return (isWhole || width >= 24) && right <= document.documentElement.clientWidth;
        }),
      );
      assert(seen.length >= 10 && seen.every(Boolean), `at ${width} px: ${seen.join(" ")}`);
    }
  });

  it("opens a call by keyboard, whose parts are then in the way of the arrow keys, and not before", async () => {
    await opened().resize(800);
    await opened().show("chat", "steps", "dark");
    const { keyboard } = tab();
    const article = tab().getByRole("article", { name: "Turn 2" });
    await article.focus();
    await keyboard.press("Enter");
    const focused = () =>
      tab().evaluate(() => {
        const { activeElement: now } = document;
        return now?.getAttribute("aria-label") ?? now?.textContent ?? "";
      });
    const passed: string[] = [];
    for (let presses = 0; presses < 30; presses++) {
      passed.push(await focused());
      await keyboard.press("ArrowDown");
    }
    assert(!passed.some((name) => name.startsWith("Arguments of")), passed.join("; "));
    assert.equal(passed.filter((name) => name.startsWith("Read")).length, 1);
    await line("Read").focus();
    await keyboard.press("Enter");
    await tab().locator("details.call[open]").waitFor();
    await keyboard.press("ArrowDown");
    assert.equal(await focused(), "Copy the arguments of read_file, call 2");
    await keyboard.press("ArrowDown");
    assert.equal(await focused(), "Arguments of read_file, call 2");
    await keyboard.press("Escape");
    assert.equal(await focused(), await article.evaluate((one) => one.getAttribute("aria-label") ?? ""));
  });

  it("keeps a call open, and the focus, while its turn goes on", async () => {
    await opened().show("chat", "stepRunning", "dark");
    await line("Read").click();
    await line("Read").focus();
    const delta = { offset: 0, text: "More text.", figures: figuresOf(1) };
    await post({ type: "text", turn: "s3", delta: { ...delta, offset: 59 } });
    await tab().getByText("More text.").waitFor();
    assert.equal(await tab().locator("details.call[open]").count(), 1);
    assert(await line("Read").evaluate((one) => one === document.activeElement));
  });

  it("keeps the calls of a lone step as they are when a further step begins", async () => {
    await opened().show("chat", "actingRuns", "dark");
    await line("Edit").click();
    await line("Edit").focus();
    const step = { id: "g2", user: "", results: [{ call: "e1", text: "Changed a.ts: +2 -2" }], answer: "" };
    await post({ type: "turn", turn: { ...step, state: "running", createdAt: 0 } });
    await tab().getByRole("group", { name: "Step 1 of 2" }).waitFor();
    assert(await line("Edit").evaluate((one) => one === document.activeElement && one.closest("[open]") !== null));
  });

  it("finds text in arguments and results that are folded, and shows it", async () => {
    await opened().show("chat", "steps", "dark");
    for (const hidden of ["src/parser/interface.ts:12", '"from"', '"test/parser"'])
      assert.equal(await opened().find(hidden), true, hidden);
    assert.equal(await tab().locator("details.call[open]").count(), 3);
  });

  it("shows more of a long result in its place, and ten megabytes only in an editor, without a long wait", async () => {
    await opened().show("chat", "stepsOpen", "dark");
    const result = tab().getByRole("group", { name: "Result of read_file, call 2" });
    const whole = { call: "c2", text: `${"line of a long result\n".repeat(9000)}the last line` };
    await post({ type: "result", turn: "s2", result: whole });
    await tab().getByText("the last line").waitFor();
    assert.equal(
      await tab()
        .getByRole("button", { name: /^Show all of the result of read_file/ })
        .count(),
      0,
    );
    const height = await result.evaluate((box) => box.getBoundingClientRect().height);
    assert(height <= 260, `${height} px`);
    const huge = shortResult({ call: "c2", text: "y".repeat(10_485_760) }, 200_000);
    await post({ type: "result", turn: "s2", result: huge });
    await tab().getByText("the first 200,000 of 10,485,760 characters").waitFor();
    const start = Date.now();
    await tab().evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    assert(Date.now() - start < 1000);
    await tab().getByRole("button", { name: "Open in editor: the result of read_file, call 2" }).waitFor();
  });

  async function post(update: ChatUpdate): Promise<void> {
    await tab().evaluate((message) => window.postMessage(message, "*"), update);
  }
});

function figuresOf(generatedTokens: number) {
  return {
    ...{ promptTokens: 2, reusedTokens: 1, prefilledTokens: 1, generatedTokens, ttftMs: 1, restoreMs: 0 },
    ...{ decodeTokensPerSecond: 1, cache: { tier: "hot" } as const },
  };
}
