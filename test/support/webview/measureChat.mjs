#!/usr/bin/env node
/**
 * Measures the chat page in Chromium by the number of turns: the time to its first frame, and the main thread's time
 * for each update of a streaming answer. It has no pass or fail.
 *
 *   node test/support/webview/measureChat.mjs                 with 3 and with 300 turns node
 * test/support/webview/measureChat.mjs 3 100 1000      with these node test/support/webview/measureChat.mjs --root DIR
 * 300  the page of another checkout
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";
import { launchBrowser } from "../../host/browser.mjs";

const here = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
const rootAt = process.argv.indexOf("--root");
const root = rootAt === -1 ? here : path.resolve(process.argv[rootAt + 1] ?? "");
const counts = process.argv.slice(2).map(Number).filter(Boolean);
const updates = 200;

const prose = "The parser reports `expected '}'` at the end of the **last complete statement**, then it skips on. ";
const code = "```ts\nfunction add(left: number, right: number): number {\n  return left + right; // the sum\n}\n```\n";
const answer = `${prose.repeat(3)}\n\n1. One thing\n2. Another thing\n\n${code}\n${prose.repeat(2)}`;
const figures = {
  promptTokens: 100,
  reusedTokens: 60,
  prefilledTokens: 40,
  generatedTokens: 250,
  ttftMs: 84,
  waitMs: 84,
  modelMs: 0,
  restoreMs: 0,
  decodeTokensPerSecond: 60,
  cache: { tier: "hot" },
};

function snapshot(count) {
  const turn = { answer, state: "done", finishReason: "stop", createdAt: 0, figures };
  const turns = Array.from({ length: count - 1 }, (_, at) => ({ ...turn, id: `t${at}`, user: `Question ${at}` }));
  turns.push({ id: "last", user: "And now?", answer: "", state: "running", createdAt: 0 });
  const agent = { id: "a", name: "Ada", modelDirectory: "/m", modelName: "Model", index: 0, tier: "hot" };
  const numbers = { tokens: 75_000, hotTokens: 75_000, diskTokens: 0, diskBytes: 0, contextTokens: 131_072 };
  const rest = { state: "answering", turnCount: count, createdAt: 0, lastUsedAt: 0, pinned: false };
  return {
    settings: { language: "en" },
    agent: { ...agent, ...numbers, ...rest, lockedElsewhere: false },
    system: "",
    engine: { state: { type: "idle" }, actions: [] },
    starts: [],
    turns,
    branches: [],
  };
}

/** In the page: posts as the host would, and waits for the frame that shows it. */
const inPage = {
  boot: (first) =>
    new Promise((resolve) => {
      const startedAt = performance.now();
      window.postMessage({ type: "snapshot", snapshot: first }, "*");
      const look = () => {
        const shown = document.querySelector("article:last-of-type");
        if (!shown || document.activeElement?.tagName !== "TEXTAREA") requestAnimationFrame(look);
        else setTimeout(() => resolve(performance.now() - startedAt));
      };
      requestAnimationFrame(look);
    }),
  settle: () =>
    new Promise((resolve) => {
      let quiet = 0;
      const look = ({ didTimeout }) => {
        quiet = didTimeout ? 0 : quiet + 1;
        if (quiet > 20) resolve(performance.now());
        else requestIdleCallback(look, { timeout: 1000 });
      };
      requestIdleCallback(look, { timeout: 1000 });
    }),
  frames: async (count) => {
    for (let at = 0; at < count; at++) {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    }
  },
  stream: async ({ text, count, counted }) => {
    let offset = 0;
    for (let at = 0; at < count; at++) {
      const piece = `${text[at % text.length]} `;
      const delta = { offset, text: piece, figures: { ...counted, generatedTokens: at } };
      window.postMessage({ type: "text", turn: "last", delta }, "*");
      offset += piece.length;
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    }
  },
};

async function bundle() {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: { chat: "src/webview/chat/main.ts", themes: path.join(here, "test/support/webview/themes.css") },
    bundle: true,
    write: false,
    outdir: "/",
    minify: true,
    target: "chrome114",
    loader: { ".ttf": "dataurl" },
  });
  return Object.fromEntries(outputFiles.map((file) => [path.basename(file.path), file.text]));
}

async function measure(browser, files, count) {
  const page = await browser.newPage({ viewport: { width: 800, height: 900 } });
  await page.addInitScript(() => {
    let state;
    const setState = (next) => {
      state = next;
    };
    window.acquireVsCodeApi = () => ({ postMessage: () => {}, getState: () => state, setState });
  });
  const style = `<style>${files["themes.css"]}</style><style>${files["chat.css"]}</style>`;
  await page.route("http://page/**", (route) => {
    const body = `<!doctype html><html lang="en">${style}<body class="vscode-dark"><script src="/s/chat.js"></script>`;
    const isScript = route.request().url().endsWith("chat.js");
    return route.fulfill({
      contentType: isScript ? "text/javascript" : "text/html",
      body: isScript ? files["chat.js"] : body,
    });
  });
  await page.goto("http://page/");
  const firstMs = await page.evaluate(inPage.boot, snapshot(count));
  const startedAt = await page.evaluate(() => performance.now());
  const settledMs = (await page.evaluate(inPage.settle)) - startedAt + firstMs;
  const client = await page.context().newCDPSession(page);
  // Processor time of the main thread: not affected by other work of the machine.
  await client.send("Performance.enable", { timeDomain: "threadTicks" });
  const metrics = async () => {
    const list = await client.send("Performance.getMetrics");
    return Object.fromEntries(list.metrics.map(({ name, value }) => [name, value * 1000]));
  };
  const atRest = await metrics();
  await page.evaluate(inPage.frames, updates);
  const before = await metrics();
  await page.evaluate(inPage.stream, { text: answer.split(" "), count: updates, counted: figures });
  const after = await metrics();
  await page.close();
  const each = (name) => ((after[name] - before[name]) / updates).toFixed(2);
  const emptyFrame = ((before.TaskDuration - atRest.TaskDuration) / updates).toFixed(2);
  return {
    turns: count,
    "first frame, ms": Math.round(firstMs),
    "idle, ms": Math.round(settledMs),
    "an update, ms": each("TaskDuration"),
    "a frame without one": emptyFrame,
    script: each("ScriptDuration"),
    layout: each("LayoutDuration"),
    style: each("RecalcStyleDuration"),
  };
}

const browser = await launchBrowser();
try {
  const files = await bundle();
  const rows = [];
  for (const count of counts.length > 0 ? counts : [3, 300]) rows.push(await measure(browser, files, count));
  console.table(rows);
} finally {
  await browser.close();
}
