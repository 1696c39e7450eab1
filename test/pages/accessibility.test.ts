import assert from "node:assert/strict";
import { colourRules, showPages, violations } from "../support/webview/openPages";
import { pages } from "../support/webview/pages.mjs";
import { themeNames, themes } from "../support/webview/themes.mjs";

/** A narrow side bar and a whole window. */
const widths = [320, 1000];

describe("axe-core finds no violation", () => {
  const opened = showPages();

  for (const page of pages) {
    for (const theme of themeNames) {
      const rules = theme === "dark" ? undefined : colourRules;
      it(`in any state of the ${page} page in ${theme}`, async () => {
        const found = new Set<string>();
        for (const state of opened().states[page]) {
          await opened().show(page, state, theme);
          for (const width of widths) {
            await opened().resize(width);
            for (const violation of await violations(opened().tab, rules)) found.add(`${state}: ${violation}`);
          }
        }
        assert.equal([...found].join("\n"), "");
      });
    }
  }

  it("and would find one: in colour, in structure, in a theme that has no transparent colours", async () => {
    await opened().show("chat", "done", "high-contrast-light");
    assert.equal(themes["high-contrast-light"], await opened().tab.locator("body").getAttribute("class"));
    await opened().tab.evaluate(() => {
      const pale = document.createElement("p");
      pale.textContent = "too pale";
      pale.style.setProperty("color", "#bbb");
      document.querySelector("article")?.append(pale, document.createElement("img"));
    });
    const found = await violations(opened().tab);
    assert.deepEqual(found.map((violation) => violation.split(":")[0]).sort(), ["color-contrast", "image-alt"]);
  });
});
