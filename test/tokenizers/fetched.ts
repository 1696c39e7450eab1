import { readFileSync } from "node:fs";
import path from "node:path";

/** The tokenizer.json that packages.mjs fetched. */
export function fetchedTokenizers(name: string): unknown {
  return JSON.parse(readFileSync(path.resolve("out/tokenizers", name, "tokenizer.json"), "utf8"));
}
