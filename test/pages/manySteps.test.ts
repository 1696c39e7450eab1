import assert from "node:assert/strict";
import type { ChatUpdate } from "../../src/protocol/chat";
import type { PageTurn } from "../../src/protocol/page";
import { showPages } from "../support/webview/openPages";
import { manySteps } from "../support/webview/samples/steps";

/** Two side bars, a panel, and 640 px at 200 %. */
const widths = [320, 340, 378, 640, 1200];

describe("a turn of many steps in a browser", () => {
  const opened = showPages();
  const tab = () => opened().tab;
  const line = () => tab().getByRole("button", { name: /^11 steps/ });
  const log = () => tab().getByRole("log");
  const answer = () => tab().getByText("passed no limit. It does now");
  const end = manySteps.at(-1);

  for (const state of ["manySteps", "manyStepsOpen", "manyStepsRunning"]) {
    it(`never widens the conversation, and each call and fold is one line: ${state}`, async () => {
      await opened().show("chat", state, "dark");
      for (const width of widths) {
        await opened().resize(width);
        assert.deepEqual(await opened().wider(".log, .step, .call, .steps-line"), [], `at ${width} px`);
        const higher = await tab().evaluate(() =>
          [...document.querySelectorAll(".steps-line, .call > summary")]
            .filter((one) => one.checkVisibility({ contentVisibilityAuto: true }))
            .filter((one) => one.getBoundingClientRect().height > 28)
            .map((one) => one.textContent),
        );
        assert.deepEqual(higher, [], `at ${width} px`);
      }
    });
  }

  it("tells tokens in short, then not at all, before the result and the file lose their room", async () => {
    await opened().show("chat", "manyStepsOpen", "dark");
    const seenAt = async (width: number) => {
      await opened().resize(width);
      return tab()
        .locator("summary", { hasText: "src/parser/grammar.ts" })
        .evaluate((one) => {
          const wide = (part: string) => one.querySelector(part)?.getBoundingClientRect().width ?? 0;
          const [ending, tokens] = [wide(".ending"), wide(".call-tokens")];
          const clip = getComputedStyle(one.querySelector(".call-tokens") ?? one).clipPath;
          const state = one.querySelector(".call-state");
          return {
            tokens: clip !== "none" ? "none" : ending === 0 ? "short" : "whole",
            isRead: tokens > 0 && one.textContent?.includes("861 tokens"),
            isResultWhole: state !== null && state.scrollWidth <= state.clientWidth,
            hasTarget: wide(".call-arguments") >= 60,
          };
        });
    };
    const rest = { isRead: true, isResultWhole: true, hasTarget: true };
    assert.deepEqual(await seenAt(1000), { tokens: "whole", ...rest });
    assert.deepEqual(await seenAt(480), { tokens: "short", ...rest });
    assert.deepEqual(await seenAt(340), { tokens: "none", ...rest });
  });

  it("takes no room for steps that are folded, and shows the answer, the sum and what has changed", async () => {
    await opened().resize(800);
    await opened().show("chat", "manySteps", "dark");
    const [above, below] = [await line().boundingBox(), await answer().boundingBox()];
    assert(above && below && below.y - above.y - above.height < 12, JSON.stringify([above, below]));
    for (const text of ["12 steps", "1 file changed", "2 failed", "1 denied"])
      assert(await tab().getByText(text).isVisible(), text);
    assert.equal(await tab().getByText("I look for its callers first.").isVisible(), false);
    assert.equal(
      await tab()
        .getByRole("group", { name: /^Step / })
        .count(),
      1,
    );
    assert.equal(await line().getAttribute("aria-expanded"), "false");
  });

  it("is opened and closed by keyboard; what is folded is not in the way of the arrow keys", async () => {
    await opened().show("chat", "manySteps", "dark");
    const { keyboard } = tab();
    await tab().getByRole("article", { name: "Turn 2" }).focus();
    await keyboard.press("Enter");
    assert.equal(await focused(), "Edit message");
    await keyboard.press("ArrowDown");
    assert.match(await focused(), /^11 steps/);
    await keyboard.press("ArrowDown");
    assert.equal(await focused(), "Fork here");
    await keyboard.press("ArrowUp");
    await keyboard.press("Enter");
    assert.equal(await line().getAttribute("aria-expanded"), "true");
    assert.match(await focused(), /^11 steps/);
    await keyboard.press("ArrowDown");
    assert.match(await focused(), /^Search/);
    await keyboard.press("ArrowUp");
    await keyboard.press("Space");
    assert.equal(await line().getAttribute("aria-expanded"), "false");
  });

  it("opens in its place: what was pressed does not move, even at the conversation's end", async () => {
    await opened().resize(800, 420);
    await opened().show("chat", "manySteps", "dark");
    const before = await line().boundingBox();
    await line().click();
    await painted();
    assert.equal((await line().boundingBox())?.y, before?.y);
    assert(await tab().getByText("I look for its callers first.").isVisible());
    assert(await tab().getByRole("button", { name: "New text" }).isHidden());
    await line().click();
    await painted();
    assert.equal((await line().boundingBox())?.y, before?.y);
  });

  it("is found in steps and in the results of their calls, and opens there", async () => {
    await opened().resize(800);
    for (const hidden of ["The file has tabs.", "scandir 'test/parser'"]) {
      await opened().show("chat", "manySteps", "dark");
      assert.equal(await opened().find(hidden), true, hidden);
      assert.equal(await line().getAttribute("aria-expanded"), "true", hidden);
    }
  });

  describe("when it ends", () => {
    beforeEach(async () => {
      await opened().resize(800, 420);
      await opened().show("chat", "manyStepsRunning", "dark");
    });

    it("folds under a reader who is at its end, with the answer in view", async () => {
      await finish();
      assert.equal(await line().getAttribute("aria-expanded"), "false");
      assert(await answer().isVisible());
    });

    it("stays for a reader who went up in it, to the pixel, until that one is at the end", async () => {
      const place = tab().getByText("Now the grammar, for what follows a block.");
      await log().hover();
      await tab().mouse.wheel(0, -200);
      await painted();
      const before = await place.boundingBox();
      await finish();
      assert.equal(await line().count(), 0);
      assert.equal((await place.boundingBox())?.y, before?.y);
      await log().evaluate((element) => element.scrollTo(0, element.scrollHeight));
      await line().waitFor();
      assert.equal(await line().getAttribute("aria-expanded"), "false");
      assert(await answer().isVisible());
    });

    it("stays while a call in it has the focus", async () => {
      await tab().locator("details.call > summary").last().focus();
      await finish();
      assert.equal(await line().count(), 0);
      assert.match(await focused(), /^Search/);
      await tab()
        .getByRole("textbox", { name: /^Message to/ })
        .focus();
      await line().waitFor();
    });

    it("folds when it was stopped by the button in it", async () => {
      const stop = tab().locator("article").getByRole("button", { name: /^Stop/ });
      await stop.focus();
      await finish();
      await line().waitFor();
      assert.match(await focused(), /^Message to/);
    });

    it("stays while something in it is selected", async () => {
      await tab().evaluate(() => {
        const text = [...document.querySelectorAll(".step .md")].at(1);
        if (text) getSelection()?.selectAllChildren(text);
      });
      await finish();
      assert.equal(await line().count(), 0);
      await tab().evaluate(() => getSelection()?.removeAllRanges());
      await line().waitFor();
    });

    async function finish(): Promise<void> {
      assert(end);
      await post({ type: "turn", turn: end satisfies PageTurn });
      await answer().waitFor();
      await painted();
    }
  });

  async function focused(): Promise<string> {
    return tab().evaluate(() => {
      const { activeElement: now } = document;
      return now?.getAttribute("aria-label") ?? now?.textContent ?? "";
    });
  }

  async function post(update: ChatUpdate): Promise<void> {
    await tab().evaluate((message) => window.postMessage(message, "*"), update);
  }

  async function painted(): Promise<void> {
    await tab().evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }
});
