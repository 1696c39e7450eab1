/**
 * Prints how long real tokenizers take for a megabyte of each kind of text, in seconds of the processor:
 *
 *   node test/tokenizers/packages.mjs && node esbuild.js --tests=tokenizers && node out/test/tokenizers/index.js
 */
import { readFileSync } from "node:fs";
import { TextTokenizer } from "../../src/text/tokenizer";
import { realTokenizers } from "../support/text/hardTexts";
import { fetchedTokenizers } from "./fetched";

const size = 1_000_000;
const filled = (text: string) => text.repeat(Math.ceil(size / Buffer.byteLength(text))).slice(0, size);

/** Characters that follow each other without order, always the same ones. */
function drawn(first: number, count: number, length: number): string {
  let state = 1;
  let text = "";
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    text += String.fromCodePoint(first + ((state >> 8) % count));
  }
  return text;
}

const texts: Readonly<Record<string, string>> = {
  English: filled(readFileSync("README.md", "utf8")),
  letter: "a".repeat(size),
  spaces: " ".repeat(size),
  newlines: "\n".repeat(size),
  "CR LF": filled("\r\n"),
  word: filled("hello"),
  "<": "<".repeat(size),
  digits: "7".repeat(size),
  Chinese: drawn(0x4e00, 0x5100, size / 3),
  emoji: drawn(0x1f300, 0x300, size / 4),
  base64: Buffer.from(drawn(0, 0x7f, (size * 3) / 4)).toString("base64"),
};

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

console.log(["", "create", ...Object.keys(texts), "MB resident"].join(" | "));
for (const name of Object.keys(realTokenizers).filter((each) => !each.startsWith("SmolLM2"))) {
  const json = fetchedTokenizers(name);
  const start = cpuSeconds();
  const tokenizer = TextTokenizer.create(json, {});
  const row = [(cpuSeconds() - start).toFixed(2)];
  for (const text of Object.values(texts)) {
    const before = cpuSeconds();
    tokenizer.encodeMarked(tokenizer.specials.escape(text), 0);
    row.push((cpuSeconds() - before).toFixed(2));
  }
  console.log([name, ...row, Math.round(process.memoryUsage().rss / 1e6)].join(" | "));
}
