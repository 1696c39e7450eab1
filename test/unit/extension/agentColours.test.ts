import assert from "node:assert/strict";
import manifest from "../../../package.json";
import { createFormats } from "../../../src/common/format";
import { agentItem } from "../../../src/extension/agents/agentItem";
import { FakeService } from "../../support/extension/fakeService";
import { type Colour, contrast, painted, readTheme, resolve, type Theme } from "../../support/webview/colours";
import { type ThemeName, themeNames } from "../../support/webview/themes.mjs";

const rows = [
  "--vscode-list-hoverBackground",
  "--vscode-list-activeSelectionBackground",
  "--vscode-list-inactiveSelectionBackground",
];
const numHues = 6;

/** The manifest's name of each kind of theme. */
const kinds = {
  dark: "dark",
  light: "light",
  "high-contrast": "highContrast",
  "high-contrast-light": "highContrastLight",
} as const;

function themeColour(id: string, name: ThemeName, theme: Theme): Colour {
  const own = manifest.contributes.colors.find((colour) => colour.id === id)?.defaults[kinds[name]];
  if (own?.startsWith("#")) return resolve(own, theme);
  return resolve(`var(--vscode-${(own ?? id).replaceAll(".", "-")})`, theme);
}

describe("an agent's colour in the tree", () => {
  for (const name of themeNames) {
    it(`has 3:1 on the side bar and on its rows in ${name}`, async () => {
      const agent = await new FakeService().createAgent({ name: "Ada" });
      const theme = readTheme(name);
      const bar = resolve("var(--vscode-sideBar-background)", theme);
      const known = rows.filter((variable) => theme.has(variable));
      const backgrounds = [bar, ...known.map((variable) => painted(resolve(`var(${variable})`, theme), bar))];
      for (let index = 0; index < numHues; index += 1) {
        const id = agentItem({ ...agent, index }, createFormats("en")).colour;
        const colour = themeColour(id, name, theme);
        for (const under of backgrounds) {
          const ratio = contrast(painted(colour, under), under);
          assert(ratio >= 3, `${id}: ${ratio.toFixed(2)}`);
        }
      }
    });
  }
});
