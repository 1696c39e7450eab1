import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { agentColour } from "../../../src/webview/shared/agentColour";
import { contrast, painted, readTheme, resolve } from "../../support/webview/colours";
import { themeNames } from "../../support/webview/themes.mjs";

/** Behind agents' dots, edges and cells: the pages, and the rows of the list of names. */
const backgrounds = [
  "--vscode-editor-background",
  "--vscode-sideBar-background",
  "--vscode-panel-background",
  "--vscode-editorHoverWidget-background",
  "--vscode-list-hoverBackground",
  "--vscode-list-activeSelectionBackground",
];
const numHues = 6;
const themes = new Map(themeNames.map((name) => [name, readTheme(name)]));

describe("the colour of an agent", () => {
  for (const [name, theme] of themes) {
    it(`has 3:1 on every background of ${name}`, () => {
      const widget = resolve("var(--vscode-editorHoverWidget-background)", theme);
      for (const background of backgrounds.filter((variable) => theme.has(variable))) {
        // A list's rows are translucent in some themes.
        const under = painted(resolve(`var(${background})`, theme), widget);
        for (let index = 0; index < numHues; index += 1) {
          const colour = painted(resolve(agentColour(index)["--c"], theme), under);
          const ratio = contrast(colour, under);
          assert(ratio >= 3, `agent ${index} on ${background}: ${ratio.toFixed(2)}`);
        }
      }
    });

    it(`is opaque and another one for each of six agents in ${name}`, () => {
      const colours = Array.from({ length: numHues }, (_, index) => resolve(agentColour(index)["--c"], theme));
      assert(colours.every(({ alpha }) => alpha === 1));
      colours.forEach((one, index) => {
        for (const other of colours.slice(index + 1)) assert(distance(one.rgb, other.rgb) > 25, `agent ${index}`);
      });
    });
  }

  it("is the same for the seventh agent as for the first, and for every number", () => {
    assert.deepEqual(agentColour(numHues), agentColour(0));
    assert.deepEqual(agentColour(-1), agentColour(numHues - 1));
  });
});

function distance(one: readonly number[], other: readonly number[]): number {
  return Math.hypot(...one.map((value, index) => value - (other[index] ?? 0)));
}

describe("contrast", () => {
  const theme = readTheme("dark");

  it("is WCAG's", () => {
    assert.equal(contrast(resolve("#000000", theme), resolve("#ffffff", theme)), 21);
    assert.equal(contrast(resolve("#767676", theme), resolve("#ffffff", theme)).toFixed(2), "4.54");
  });

  it("is that of what is painted: VS Code's own orange is too faint on its side bar", () => {
    const bar = resolve("var(--vscode-sideBar-background)", theme);
    assert.equal(contrast(painted(resolve("var(--vscode-charts-orange)", theme), bar), bar).toFixed(1), "1.6");
  });

  it("mixes as CSS does", () => {
    assert.deepEqual(resolve("color-mix(in srgb, #ff0000 25%, color-mix(in srgb, #000000, #0000ff))", theme), {
      rgb: [63.75, 0, 95.625],
      alpha: 1,
    });
  });
});

describe("the themes of the samples", () => {
  it("know every variable that a page uses: else run test/support/webview/readThemes.mjs", () => {
    const css = fs.readFileSync(path.join("test", "support", "webview", "themes.css"), "utf8");
    const sources = path.join("src", "webview");
    const files = fs.readdirSync(sources, { recursive: true, encoding: "utf8" });
    const unknown = files
      .filter((file) => /\.(ts|css)$/.test(file))
      .flatMap((file) => [...fs.readFileSync(path.join(sources, file), "utf8").matchAll(/--vscode-[\w-]+\w/g)])
      .filter(([name]) => !css.includes(`${name}:`))
      .map(([name]) => name);
    assert.deepEqual(unknown, []);
  });
});
