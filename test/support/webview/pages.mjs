/** Builds the three pages with their fake host and serves them on 127.0.0.1. */
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import * as esbuild from "esbuild";
import { themes } from "./themes.mjs";

export const pages = ["chat", "room", "status"];

const types = { ".js": "text/javascript", ".css": "text/css", ".ttf": "font/ttf", ".html": "text/html" };

/** As strict as the product's policy, but with this server instead of the webview's resources. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; base-uri 'none'";

function build(root, out) {
  return esbuild.build({
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
}

/** The names of a page's samples. */
async function statesOf(root, page) {
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
  return Object.keys(samples[`${page}Samples`]);
}

function document(page, theme) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${page}</title>
<link rel="stylesheet" href="/themes.css"><link rel="stylesheet" href="/${page}.css"></head>
<body class="${themes[theme]}"><script src="/fakeHost.js"></script><script src="/${page}.js"></script></body></html>`;
}

/** `root` is the repository; the bundles go to its out/harness/. */
export async function servePages(root) {
  const out = path.join(root, "out", "harness");
  await build(root, out);
  const states = {};
  for (const page of pages) states[page] = await statesOf(root, page);
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
  return {
    states,
    url: (page, state, theme) => `http://127.0.0.1:${server.address().port}/${page}?state=${state}&theme=${theme}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** User actions for states that need more than the host's messages. */
export async function enter(tab, state) {
  if (state === "mention" || state === "mentionServers") await tab.locator("textarea").pressSequentially("@te");
  if (state === "attaching") {
    await tab.locator("textarea").pressSequentially("@recov");
    await tab.locator("[role=option]").first().waitFor();
  }
  if (state === "attachMenu") await tab.getByRole("button", { name: "Attach files" }).click();
  if (state === "pinnedFiles") await tab.locator("details.pins > summary").click();
  if (state === "thought") await tab.locator("details.thought summary").first().click();
  if (state === "manyStepsOpen") await tab.locator(".steps-line").click();
  if (
    state === "stepsOpen" ||
    state === "stepsHostile" ||
    state === "dropped" ||
    state === "actedOpen" ||
    state === "actingHostile"
  ) {
    for (const line of await tab.locator("details.call > summary").all()) await line.click();
  }
  if (state === "branchTree" || state === "branches") await tab.locator("details.branches summary").click();
}
