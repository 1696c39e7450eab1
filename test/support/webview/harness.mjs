#!/usr/bin/env node
/**
 * The three pages in a browser, without VS Code: a fake host feeds each of the states in samples/.
 *
 *   node test/support/webview/harness.mjs                 serves them on 127.0.0.1 and prints the list
 *   node test/support/webview/harness.mjs --shoot DIR     writes a picture of each (CHROMIUM names another browser)
 *   node test/support/webview/harness.mjs --shoot DIR chat/streaming room
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { launchBrowser } from "../../host/browser.mjs";
import { enter, pages, servePages } from "./pages.mjs";
import { themeNames } from "./themes.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const widths = { chat: [1000, 640, 340, 320], room: [600, 340, 280], status: [700, 340, 300, 280] };
const heights = { chat: 900, room: 900, status: 1500 };

const served = await servePages(root);

async function shoot(directory, wanted) {
  fs.mkdirSync(directory, { recursive: true });
  const browser = await launchBrowser();
  const problems = [];
  for (const page of pages) {
    for (const state of served.states[page]) {
      const name = `${page}/${state}`;
      if (wanted.length > 0 && !wanted.some((part) => name.startsWith(part))) continue;
      for (const theme of themeNames) {
        for (const width of theme === "dark" ? widths[page] : widths[page].slice(0, 1)) {
          const tab = await browser.newPage({ viewport: { width, height: heights[page] }, deviceScaleFactor: 1.5 });
          tab.on("console", (message) => message.type() === "error" && problems.push(`${name}: ${message.text()}`));
          tab.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
          await tab.goto(served.url(page, state, theme));
          await enter(tab, state);
          await tab.waitForTimeout(400);
          await tab.screenshot({ path: path.join(directory, `${page}-${state}-${theme}-${width}.png`) });
          await tab.close();
        }
      }
    }
  }
  await browser.close();
  return problems.filter((problem) => !problem.includes("favicon"));
}

const [mode, directory, ...wanted] = process.argv.slice(2);
if (mode === "--shoot" && directory) {
  const problems = await shoot(directory, wanted);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
  served.close();
} else {
  for (const page of pages) for (const state of served.states[page]) console.log(served.url(page, state, "dark"));
}
