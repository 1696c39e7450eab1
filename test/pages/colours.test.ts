import assert from "node:assert/strict";
import { agentColour } from "../../src/webview/shared/agentColour";
import { type Colour, contrast, readTheme, resolve } from "../support/webview/colours";
import { showPages } from "../support/webview/openPages";
import type { PageName } from "../support/webview/pages.mjs";
import { themeNames } from "../support/webview/themes.mjs";

/** Where agents' colours are painted, and the first six agents' places there. */
const places: readonly {
  readonly what: string;
  readonly page: PageName;
  readonly selector: string;
  readonly property: string;
}[] = [
  { what: "the dot of a chip", page: "room", selector: ".who .chip .tier", property: "border-top-color" },
  { what: "the edge of an answer", page: "room", selector: "article:first-child .ans", property: "box-shadow" },
  { what: "the dot in the table", page: "status", selector: "tbody .tier", property: "border-top-color" },
  { what: "the part of the pool's bar", page: "status", selector: ".pane .bar > i", property: "background-color" },
];

/** Up to the browser's rounding. */
function alike(one: Colour, other: Colour): boolean {
  return one.alpha === other.alpha && one.rgb.every((value, index) => Math.abs(value - (other.rgb[index] ?? 0)) < 1);
}

const colour = /color\(srgb [^)]*\)|rgba?\([^)]*\)/;

describe("an agent's colour in the browser", () => {
  const opened = showPages();

  for (const theme of themeNames) {
    it(`is the computed one, with 3:1 on what the page paints, in ${theme}`, async () => {
      const values = readTheme(theme);
      for (const { what, page, selector, property } of places) {
        await opened().show(page, "many", theme);
        const { background, found } = await opened().tab.evaluate(
          ([elements, name]) => ({
            background: getComputedStyle(document.body).backgroundColor,
            found: [...document.querySelectorAll(elements)]
              .slice(0, 6)
              .map((element) => getComputedStyle(element).getPropertyValue(name)),
          }),
          [selector, property] as const,
        );
        assert.equal(found.length, 6, what);
        for (const [index, text] of found.entries()) {
          const painted = resolve(colour.exec(text)?.[0] ?? text, values);
          const computed = resolve(agentColour(index)["--c"], values);
          assert(alike(painted, computed), `${what} of agent ${index}: ${text}`);
          assert(contrast(painted, resolve(background, values)) >= 3, `${what} of agent ${index}`);
        }
      }
    });

    it(`fills the cells of the block map in ${theme}`, async () => {
      await opened().show("status", "many", theme);
      const painted = await opened().tab.evaluate(() => [
        ...new Set([...document.querySelectorAll(".map i")].map((cell) => getComputedStyle(cell).backgroundColor)),
      ]);
      const expected = Array.from({ length: 6 }, (_, index) => resolve(agentColour(index)["--c"], readTheme(theme)));
      const cells = painted.map((text) => resolve(text, new Map()));
      for (const [index, one] of expected.entries())
        assert(
          cells.some((cell) => alike(cell, one)),
          `agent ${index}`,
        );
    });
  }
});
