#!/usr/bin/env node
/**
 * Writes themes.css: the values that VS Code's own themes give the variables which the pages use, read from a workbench.
 * Run it when a page uses a new variable or the pinned VS Code server changes.
 *
 *   node test/support/webview/readThemes.mjs
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../../host/browser.mjs";
import { seedSettings, serverFolders, startServer } from "../../host/server.mjs";
import { themeNames } from "./themes.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../..");
const startLimitMs = 90_000;

/** VS Code's id of each theme, and the class that its workbench then has. */
const known = {
  dark: { id: "Dark Modern", marker: "dark_modern-json" },
  light: { id: "Light Modern", marker: "light_modern-json" },
  "high-contrast": { id: "Default High Contrast", marker: "hc_black-json" },
  "high-contrast-light": { id: "Default High Contrast Light", marker: "hc_light-json" },
};

const head = `/*
 * Written by readThemes.mjs. The values of VS Code's Dark Modern, Light Modern, Dark High Contrast and Light High Contrast
 * for the variables that the pages use: in the product, VS Code sets them itself.
 */
body {
  --vscode-font-family: Inter, system-ui, -apple-system, "Segoe WPC", "Segoe UI", sans-serif;
  --vscode-font-size: 13px;
  --vscode-font-weight: normal;
  --vscode-editor-font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace;
  --vscode-editor-font-size: 12px;
}
`;

const bodyRules = {
  dark: ".vscode-dark",
  light: ".vscode-light",
  "high-contrast": ".vscode-high-contrast:not(.vscode-high-contrast-light)",
  "high-contrast-light": ".vscode-high-contrast-light",
};

/** Backgrounds that only VS Code paints (a panel's, and those of rows in its trees), and the orange that ours replaces. */
const others = ["--vscode-panel-background", "--vscode-list-inactiveSelectionBackground", "--vscode-charts-orange"];

/** Those that the sources name, and the others. */
function usedVariables() {
  const names = new Set(others);
  const sources = path.join(root, "src", "webview");
  for (const file of fs.readdirSync(sources, { recursive: true })) {
    if (!/\.(ts|css)$/.test(file)) continue;
    const text = fs.readFileSync(path.join(sources, file), "utf8");
    for (const [name] of text.matchAll(/--vscode-[A-Za-z]+(?:-[A-Za-z]+)*/g)) names.add(name);
  }
  return [...names].sort();
}

/** Every variable of the workbench's style sheets. */
function readVariables(page) {
  return page.evaluate(() => {
    const rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]);
    const styles = rules.flatMap((rule) => (rule instanceof CSSStyleRule ? [rule.style] : []));
    return Object.fromEntries(
      styles.flatMap((style) =>
        [...style]
          .filter((name) => name.startsWith("--vscode-"))
          .map((name) => [name, style.getPropertyValue(name).trim()]),
      ),
    );
  });
}

function block(theme, variables, names) {
  const lines = names.filter((name) => variables[name]).map((name) => `  ${name}: ${variables[name]};`);
  const scheme = theme.endsWith("light") ? "light" : "dark";
  return `\n${bodyRules[theme]} {\n  color-scheme: ${scheme};\n${lines.join("\n")}\n}\n`;
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "resident-themes-"));
const folders = serverFolders(scratch);
seedSettings(folders.userData, { "window.autoDetectHighContrast": false });
const settingsFile = path.join(folders.userData, "User", "settings.json");
const settings = JSON.parse(fs.readFileSync(settingsFile, "utf8"));
const server = await startServer(folders);
const browser = await launchBrowser();
let css = head;
for (const theme of themeNames) {
  fs.writeFileSync(settingsFile, JSON.stringify({ ...settings, "workbench.colorTheme": known[theme].id }));
  const page = await browser.newPage();
  await page.goto(server.url(scratch));
  const themed = page.locator(`.monaco-workbench[class*="${known[theme].marker}"]`);
  await themed.waitFor({ timeout: startLimitMs });
  css += block(theme, await readVariables(page), usedVariables());
  await page.close();
}
fs.writeFileSync(path.join(here, "themes.css"), css);
await browser.close();
await server.kill();
fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 3 });
process.exit();
