import { readFileSync } from "node:fs";
import path from "node:path";
import { Detokenizer } from "../../../src/text/detokenizer";
import type { TextTokenizer } from "../../../src/text/tokenizer";

/** What Hugging Face's tokenizers makes of the hard texts: four hexadecimal digits for each (test/fixtures/text/hard). */
export interface Recorded {
  readonly ids: string;
  readonly decoded: string;
  /** Ids of the texts in the middle of another one. */
  readonly continued?: string;
}

export interface Shape extends Recorded {
  readonly base: string;
  readonly tokenizer: object;
}

export const hardTexts: readonly string[] = readJson("texts.json");
export const shapes: {
  readonly bases: Readonly<Record<string, object>>;
  readonly shapes: Readonly<Record<string, Shape>>;
} = readJson("shapes.json");
/** By name of a package in test/tokenizers, and the starter model. */
export const realTokenizers: Readonly<Record<string, Recorded>> = readJson("real.json");

function readJson(name: string) {
  return JSON.parse(readFileSync(path.resolve("test/fixtures/text/hard", name), "utf8"));
}

/** The hard texts of which `tokenizer` makes something else than what is recorded. */
export function differingTexts(
  tokenizer: TextTokenizer,
  recorded: Recorded,
): Readonly<Record<keyof Recorded, string[]>> {
  const differing: Record<keyof Recorded, string[]> = { ids: [], decoded: [], continued: [] };
  for (const [index, text] of hardTexts.entries()) {
    const at = 4 * index;
    const ids = tokenizer.encodeMarked(text);
    if (checksum(ids) !== recorded.ids.slice(at, at + 4)) differing.ids.push(text);
    else if (checksum(codePoints(decoded(tokenizer, ids))) !== recorded.decoded.slice(at, at + 4)) {
      differing.decoded.push(text);
    }
    if (recorded.continued === undefined) continue;
    const continued = tokenizer.encodeMarked(text, ordinaryId);
    if (checksum(continued) !== recorded.continued.slice(at, at + 4)) differing.continued.push(text);
  }
  return differing;
}

/** An id of every vocabulary here that is no added token. */
const ordinaryId = 100;

/** The text of `ids`, one by one. Throws if it is another one all at once. */
function decoded(tokenizer: TextTokenizer, ids: readonly number[]): string {
  const detokenizer = new Detokenizer(tokenizer);
  const text = ids.map((id) => detokenizer.push(id)).join("") + detokenizer.finish();
  if (text !== tokenizer.decode(ids)) throw new Error(`${JSON.stringify(text)} is decoded otherwise all at once`);
  return text;
}

function codePoints(text: string): readonly number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

/** The last 16 bits of FNV-1a over whole numbers. */
function checksum(numbers: readonly number[]): string {
  const value = numbers.reduce((sum, number) => Math.imul(sum ^ number, 0x01000193), 0x811c9dc5 | 0);
  return (value & 0xffff).toString(16).padStart(4, "0");
}
