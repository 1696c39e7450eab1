import assert from "node:assert/strict";
import { showPages, violations } from "../support/webview/openPages";
import { pages, themeNames, themes } from "../support/webview/pages.mjs";

const widths = { narrow: 320, wide: 1000 };

describe("axe-core finds no violation", () => {
  const opened = showPages();

  for (const page of pages) {
    for (const theme of themeNames) {
      it(`in any state of the ${page} page in ${theme}`, async () => {
        const found: string[] = [];
        for (const state of opened().states[page]) {
          await opened().show(page, state, theme);
          for (const [name, width] of Object.entries(widths)) {
            await opened().resize(width);
            for (const violation of await violations(opened().tab)) found.push(`${state}, ${name}: ${violation}`);
          }
        }
        assert.deepEqual(found, []);
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
