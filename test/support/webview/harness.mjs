#!/usr/bin/env node
/**
 * The three pages in a browser, without VS Code: a fake host feeds each of the states in samples/.
 *
 *   node test/support/webview/harness.mjs                 serves them on 127.0.0.1 and prints the list
 *   node test/support/webview/harness.mjs --shoot DIR     writes a picture of each (CHROMIUM names another browser)
 *   node test/support/webview/harness.mjs --shoot DIR chat/streaming room
 */
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { chromium } from "playwright-core";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../..");
const out = path.join(root, "out", "harness");
const pages = ["chat", "room", "status"];
const themes = ["dark", "light", "high-contrast"];
const widths = { chat: [1000, 480, 320], room: [600, 340, 280], status: [700, 340, 280] };
const heights = { chat: 900, room: 900, status: 1500 };
const types = { ".js": "text/javascript", ".css": "text/css", ".ttf": "font/ttf", ".html": "text/html" };

await esbuild.build({
  absWorkingDir: root,
  entryPoints: {
    ...Object.fromEntries(pages.map((page) => [page, `src/webview/${page}/main.ts`])),
    fakeHost: "test/support/webview/fakeHost.ts",
    themes: "test/support/webview/themes.css",
  },
  bundle: true,
  format: "iife",
  target: "chrome114",
  outdir: out,
  loader: { ".ttf": "file" },
  assetNames: "[name]",
  logLevel: "warning",
});

const states = {};
for (const page of pages) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [`test/support/webview/samples/${page}.ts`],
    bundle: true,
    format: "esm",
    write: false,
  });
  const samples = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`
  );
  states[page] = Object.keys(samples[`${page}Samples`]);
}

/** As strict as the product's policy, with this server in the place of the webview's resources. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; base-uri 'none'";

function document(page, theme) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${page}</title>
<link rel="stylesheet" href="/themes.css"><link rel="stylesheet" href="/${page}.css"></head>
<body class="vscode-${theme}"><script src="/fakeHost.js"></script><script src="/${page}.js"></script></body></html>`;
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const page = url.pathname.slice(1);
  if (pages.includes(page)) {
    response.writeHead(200, { "content-type": "text/html", "content-security-policy": policy });
    response.end(document(page, url.searchParams.get("theme") ?? "dark"));
    return;
  }
  const file = path.join(out, path.basename(page));
  if (page === "" || !fs.existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": types[path.extname(file)] ?? "text/plain" });
  fs.createReadStream(file).pipe(response);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

async function shoot(directory, wanted) {
  fs.mkdirSync(directory, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  const problems = [];
  for (const page of pages) {
    for (const state of states[page]) {
      const name = `${page}/${state}`;
      if (wanted.length > 0 && !wanted.some((part) => name.startsWith(part))) continue;
      for (const theme of themes) {
        for (const width of theme === "dark" ? widths[page] : widths[page].slice(0, 1)) {
          const tab = await browser.newPage({ viewport: { width, height: heights[page] }, deviceScaleFactor: 1.5 });
          tab.on("console", (message) => message.type() === "error" && problems.push(`${name}: ${message.text()}`));
          tab.on("pageerror", (error) => problems.push(`${name}: ${error.message}`));
          await tab.goto(`${origin}/${page}?state=${state}&theme=${theme}`);
          if (state === "mention") await tab.locator("textarea").pressSequentially("@te");
          if (state === "branchTree" || state === "branches") await tab.locator("details.branches summary").click();
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
  server.close();
} else {
  for (const page of pages)
    for (const state of states[page]) console.log(`${origin}/${page}?state=${state}&theme=dark`);
}
