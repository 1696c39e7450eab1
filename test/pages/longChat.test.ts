import assert from "node:assert/strict";
import type { Locator } from "playwright-core";
import type { ChatSnapshot, ChatUpdate } from "../../src/protocol/chat";
import { longSnapshot, rareWord, textUpdate } from "../support/webview/longChat";
import { showPages } from "../support/webview/openPages";

const count = 100;

describe("a conversation of a hundred turns", () => {
  const opened = showPages();
  const log = () => opened().tab.getByRole("log");
  const turns = () => opened().tab.getByRole("article");
  const message = () => opened().tab.getByRole("textbox");

  beforeEach(async () => {
    await opened().resize(800);
    await opened().show("chat", "done", "dark");
    await post({ type: "snapshot", snapshot: longSnapshot(count) });
    await turns()
      .nth(count - 1)
      .waitFor();
  });

  it("lays out only what is near the view, and has every turn's text", async () => {
    await drawn();
    const skipped = await turns().evaluateAll(
      (articles) =>
        articles.filter((article) => !article.firstElementChild?.checkVisibility({ contentVisibilityAuto: true }))
          .length,
    );
    assert(skipped > count * 0.8, `${skipped} of ${count} are skipped`);
  });

  it("stays at its end while turns above are drawn and while text comes", async () => {
    await drawn();
    assert(await atEnd());
    let offset = 0;
    for (const word of "An answer that goes on\n\nand on\n\n".repeat(12).split(/(?<= |\n\n)/)) {
      await post(textUpdate(offset, word));
      offset += word.length;
    }
    await painted();
    assert(await atEnd());
    assert(await opened().tab.getByRole("button", { name: "New text" }).isHidden());
  });

  it("keeps the reader's place while text comes below, and offers it", async () => {
    await drawn();
    await turns().nth(50).scrollIntoViewIfNeeded();
    await painted();
    const before = await topOf(turns().nth(50));
    await post(textUpdate(0, "Text that the reader does not see. "));
    await opened().tab.getByRole("button", { name: "New text" }).waitFor();
    assert.equal(await topOf(turns().nth(50)), before);
    await opened().tab.getByRole("button", { name: "New text" }).click();
    await painted();
    assert(await atEnd());
    assert(await isFocused(message()));
  });

  it("offers nothing when the same conversation comes again to a reader who went up", async () => {
    await turns().nth(50).scrollIntoViewIfNeeded();
    await painted();
    await post({ type: "snapshot", snapshot: longSnapshot(count) });
    await opened().resize(500);
    await painted();
    assert(await opened().tab.getByRole("button", { name: "New text" }).isHidden());
  });

  it("brings the reader back to the same line after a reload", async () => {
    await drawn();
    await turns().nth(50).scrollIntoViewIfNeeded();
    await opened().tab.mouse.move(400, 300);
    await opened().tab.mouse.wheel(0, -237);
    const before = await settledTop();
    const memory = await opened().tab.evaluate(() => JSON.stringify(window.pageMemory()));
    const url = new URL(opened().tab.url());
    url.searchParams.set("state", "none");
    url.searchParams.set("memory", memory);
    await opened().tab.goto(url.href);
    await post({ type: "snapshot", snapshot: longSnapshot(count) });
    await drawn();
    await painted();
    const after = await topOf(turns().nth(50));
    assert(
      before !== undefined && after !== undefined && Math.abs(after - before) < 2,
      `${before} before, ${after} after`,
    );
  });

  it("is one tab stop, with arrows between turns, Enter into one and Escape out", async () => {
    await post({ type: "snapshot", snapshot: ended() });
    const { keyboard } = opened().tab;
    await message().focus();
    await keyboard.press("Shift+Tab");
    assert(await isFocused(turns().nth(count - 2)));
    await keyboard.press("Shift+Tab");
    assert.equal(await focusedInLog(), false);
    await keyboard.press("Tab");
    assert(await isFocused(turns().nth(count - 2)));
    await keyboard.press("ArrowUp");
    await keyboard.press("ArrowUp");
    assert(await isFocused(turns().nth(count - 4)));
    await keyboard.press("Home");
    assert(await isFocused(turns().first()));
    await keyboard.press("Enter");
    assert.equal(await focusedName(), "Edit message");
    await keyboard.press("ArrowDown");
    assert.equal(await focusedName(), "Copy code");
    await keyboard.press("ArrowRight");
    assert.equal(await focusedName(), "Insert at cursor");
    await keyboard.press("ArrowDown");
    assert.match(await focusedName(), /^Code 1, ts/);
    await keyboard.press("ArrowDown");
    assert.equal(await focusedName(), "Fork here");
    await keyboard.press("ArrowUp");
    await keyboard.press("ArrowUp");
    assert.equal(await focusedName(), "Insert at cursor");
    await keyboard.press("Escape");
    assert(await isFocused(turns().first()));
    await keyboard.press("Enter");
    await keyboard.press("Tab");
    assert(await isFocused(message()));
    await keyboard.press("Control+ArrowUp");
    assert(await isFocused(turns().last()));
    await keyboard.press("Escape");
    assert(await isFocused(message()));
  });

  it("has few tab stops between its header and the message, whatever is in the turns", async () => {
    await post({ type: "snapshot", snapshot: ended() });
    await opened()
      .tab.getByRole("toolbar", { name: "Agent actions" })
      .getByRole("button", { disabled: false })
      .first()
      .focus();
    let presses = 0;
    while (!(await isFocused(message()))) {
      await opened().tab.keyboard.press("Tab");
      presses += 1;
      assert(presses < 6, "Tab does not come to the message");
    }
  });

  it("has a word of its first turn where a search finds it", async () => {
    const { tab } = opened();
    await tab.keyboard.press("Control+KeyF");
    assert(await tab.evaluate((word) => document.querySelector("article")?.textContent?.includes(word), rareWord));
    const found = (word: string) =>
      tab.evaluate(
        (text) => "find" in window && typeof window.find === "function" && window.find(text, false, false, true),
        word,
      );
    assert.equal(await found(rareWord), true);
    assert.equal(await found("not in any turn"), false);
  });

  function ended(): ChatSnapshot {
    const snapshot = longSnapshot(count);
    return { ...snapshot, turns: snapshot.turns.slice(0, -1) };
  }

  async function post(update: ChatUpdate): Promise<void> {
    await opened().tab.evaluate((message) => window.postMessage(message, "*"), update);
    await painted();
  }

  async function painted(): Promise<void> {
    await opened().tab.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)))),
    );
  }

  /** Every turn has its text. */
  async function drawn(): Promise<void> {
    await opened().tab.waitForFunction(() =>
      [...document.querySelectorAll("article")].every((turn) => turn.childElementCount > 0),
    );
  }

  async function atEnd(): Promise<boolean> {
    return log().evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 2);
  }

  async function topOf(locator: Locator): Promise<number | undefined> {
    return (await locator.boundingBox())?.y;
  }

  /** Where turn 50 is once it has been at the same place for ten frames. */
  async function settledTop(): Promise<number | undefined> {
    let top = await topOf(turns().nth(50));
    for (let same = 0; same < 10; same++) {
      await painted();
      const next = await topOf(turns().nth(50));
      if (next !== top) same = 0;
      top = next;
    }
    return top;
  }

  async function isFocused(locator: Locator): Promise<boolean> {
    return locator.evaluate((element) => element === document.activeElement);
  }

  async function focusedInLog(): Promise<boolean> {
    return log().evaluate((element) => element.contains(document.activeElement));
  }

  async function focusedName(): Promise<string> {
    return opened().tab.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  }
});

declare global {
  interface Window {
    readonly pageMemory: () => unknown;
  }
}
