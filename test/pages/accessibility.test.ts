import assert from "node:assert/strict";
import { colourRules, showPages, violations } from "../support/webview/openPages";
import { pages } from "../support/webview/pages.mjs";
import { type ThemeName, themeNames, themes } from "../support/webview/themes.mjs";

/** A narrow side bar and a whole window. */
const widths = [320, 1000];
/** All turns are in view: what is out of view is not laid out, and axe-core does not look at it. */
const height = 5000;
const limitMs = 400_000;

describe("axe-core finds no violation", () => {
  const opened = showPages();

  for (const page of pages) {
    describe(`on the ${page} page`, () => {
      const found = new Map(themeNames.map((theme) => [theme, new Set<string>()]));

      /** Each state is loaded once: of a theme only the colours can be right or wrong by themselves. */
      before(async function () {
        this.timeout(limitMs);
        for (const state of opened().states[page]) {
          await opened().show(page, state, "dark");
          for (const width of widths) {
            await opened().resize(width, height);
            for (const theme of themeNames) {
              await opened().paint(theme);
              const rules = theme === "dark" ? undefined : colourRules;
              for (const violation of await violations(opened().tab, rules))
                found.get(theme)?.add(`${state}: ${violation}`);
            }
          }
        }
      });

      for (const theme of themeNames) {
        it(`in any state in ${theme}`, () => assert.equal([...(found.get(theme) ?? ["not run"])].join("\n"), ""));
      }
    });
  }

  it("and would find what is planted, in colour and in structure, in the theme that is painted", async () => {
    const contrastIn = async (theme: ThemeName) => {
      await opened().paint(theme);
      assert.equal(await opened().tab.locator("body").getAttribute("class"), themes[theme]);
      return (await violations(opened().tab)).map((violation) => violation.split(":")[0]).sort();
    };
    await opened().show("chat", "done", "dark");
    await opened().tab.evaluate(() => {
      const pale = document.createElement("p");
      pale.textContent = "too pale on white";
      pale.style.setProperty("color", "#bbb");
      document.querySelector("article")?.append(pale, document.createElement("img"));
    });
    assert.deepEqual(await contrastIn("dark"), ["image-alt"]);
    assert.deepEqual(await contrastIn("high-contrast-light"), ["color-contrast", "image-alt"]);
  });
});
