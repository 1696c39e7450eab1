import assert from "node:assert/strict";
import { showPages } from "../support/webview/openPages";

const kinds = ["markdown", "tables", "code", "hostile"] as const;
/** Two side bars, a panel, and 640 px at 200 %. */
const widths = [320, 378, 600, 1200];

describe("content that is wide", () => {
  const opened = showPages();

  for (const kind of kinds) {
    it(`never widens the conversation: ${kind}`, async () => {
      await opened().show("chat", kind, "dark");
      for (const width of widths) {
        await opened().resize(width);
        const wider = await opened().wider(".log, .md, .ask p");
        assert.deepEqual(wider, [], `at ${width} px`);
      }
    });
  }

  for (const state of ["many", "attached"]) {
    it(`never widens the room: ${state}, in one column and in two`, async () => {
      await opened().show("room", state, "dark");
      for (const width of [280, ...widths]) {
        await opened().resize(width);
        const wider = await opened().wider(".log, .ans, .md, .ask, .attached, .chips");
        assert.deepEqual(wider, [], `at ${width} px`);
      }
    });
  }

  it("scrolls in a table's own box, with the keyboard too", async () => {
    await opened().show("chat", "tables", "dark");
    await opened().resize(378);
    const table = opened().tab.getByRole("group", { name: "Table 3" });
    const scrolls = await table.evaluate(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth * 3);
    assert(scrolls, "40 columns");
    await table.focus();
    await opened().tab.keyboard.press("ArrowRight");
    await opened().tab.waitForFunction(() => (document.activeElement?.scrollLeft ?? 0) > 0);
  });

  it("keeps the words of a table whole, and short cells in one line", async () => {
    await opened().show("chat", "tables", "dark");
    for (const width of widths) {
      await opened().resize(width);
      const broken = await opened().tab.evaluate(() => {
        const lines = (node: Node, from: number, to: number) => {
          const range = document.createRange();
          range.setStart(node, from);
          range.setEnd(node, to);
          return new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
        };
        return [...document.querySelectorAll(".md :is(th, td)")].flatMap((cell) => {
          const text = cell.firstChild;
          const content = text?.textContent ?? "";
          if (!text) return [];
          const words = content.length < 24 ? [/.+/g] : [/\S+/g];
          return words
            .flatMap((word) => [...content.matchAll(word)])
            .filter(({ index, 0: found }) => lines(text, index, index + found.length) > 1)
            .map(([found]) => found);
        });
      });
      assert.deepEqual(broken, [], `at ${width} px`);
    }
  });
});

describe("a hidden character in code", () => {
  const opened = showPages();

  it("is painted as its number and has no effect on the text around it", async () => {
    await opened().show("chat", "hostile", "dark");
    await opened().resize(600);
    const line = await opened().tab.evaluate(() => {
      const marks = [...document.querySelectorAll(".codeblock .hidden-char")];
      return {
        painted: marks.map((mark) => getComputedStyle(mark, "::before").content),
        visible: marks.every((mark) => mark.getBoundingClientRect().width > 20),
        code: document.querySelector(".codeblock pre")?.textContent ?? "",
      };
    });
    assert.deepEqual(line.painted.slice(0, 2), ['"U+202E"', '"U+2066"']);
    assert(line.visible);
    assert.doesNotMatch(line.code, /[\u202A-\u202E\u2066-\u2069\u200B]/);
  });

  it("does not turn a name's row around: in the header, the chips, the answers, the table and the field", async () => {
    const places = [
      ["chat", "hostile", ".head h1"],
      ["room", "many", ".who, .ans > header"],
      ["status", "many", "td .name"],
    ] as const;
    for (const [page, state, names] of places) {
      await opened().show(page, state, "dark");
      const shown = await opened().tab.evaluate(
        (selector) => [
          ...[...document.querySelectorAll(selector)].map(({ textContent }) => textContent ?? ""),
          ...[...document.querySelectorAll("textarea")].map(({ placeholder }) => placeholder),
        ],
        names,
      );
      assert(
        shown.some((text) => text.includes("snekot")),
        page,
      );
      for (const text of shown) assert.doesNotMatch(text, /[\u202A-\u202E]/);
    }
  });
});
