import { isObject, type JsonObject, listOf } from "./json";
import type { Place } from "./place";

/** What is put before a section and replaced in it, before it is cut. */
export type Opening = (text: string, place: Place) => string;

export interface PreTokenizerParts {
  readonly opening: Opening;
  /** A `pre_tokenizer` for the opened text. */
  readonly preTokenizer: JsonObject;
}

/**
 * A `pre_tokenizer` in parts that the library does as the original does. (The library's own byte level and Digits use
 * JavaScript's white space and digits; its Punctuation and Metaspace know one way of cutting only.)
 */
export function readPreTokenizer(preTokenizer: unknown): PreTokenizerParts {
  const [first, ...others] = flat(preTokenizer);
  const opening = first === undefined ? undefined : openingOf(first);
  const pretokenizers = [...(first === undefined ? [] : (opening?.rest ?? exact(first))), ...others.flatMap(exact)];
  return { opening: opening?.open ?? ((text) => text), preTokenizer: { type: "Sequence", pretokenizers } };
}

function flat(preTokenizer: unknown): readonly JsonObject[] {
  if (!isObject(preTokenizer)) return [];
  return preTokenizer["type"] === "Sequence" ? listOf(preTokenizer["pretokenizers"]).flatMap(flat) : [preTokenizer];
}

function openingOf(part: JsonObject): { readonly open: Opening; readonly rest: readonly JsonObject[] } | undefined {
  if (part["type"] === "ByteLevel" && part["add_prefix_space"] === true) {
    const open: Opening = (text, place) => (place === "middle" || text.startsWith(" ") ? text : ` ${text}`);
    return { open, rest: exact({ ...part, add_prefix_space: false }) };
  }
  if (part["type"] !== "Metaspace") return undefined;
  const symbol = symbolOf(part);
  const scheme = schemeOf(part);
  const open: Opening = (text, place) => {
    const replaced = text.replaceAll(" ", symbol);
    const isDue = scheme === "always" ? place !== "middle" : scheme === "first" && place === "start";
    return isDue && !replaced.startsWith(symbol) ? symbol + replaced : replaced;
  };
  return { open, rest: wordCuts(part) };
}

const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const punctuation = "[\\p{P}\\x21-\\x2F\\x3A-\\x40\\x5B-\\x60\\x7B-\\x7E]";

function exact(part: JsonObject): readonly JsonObject[] {
  switch (part["type"]) {
    case "ByteLevel":
      if (part["use_regex"] === false || part["add_prefix_space"] === true) return [part];
      return [split({ Regex: gpt2Pattern }, "Isolated"), { ...part, use_regex: false }];
    case "Digits":
      return [split({ Regex: part["individual_digits"] === true ? "\\p{N}" : "\\p{N}+" }, "Isolated")];
    case "Punctuation":
      if (part["behavior"] === "Contiguous") return [split({ Regex: `${punctuation}+` }, "Isolated")];
      return [split({ Regex: punctuation }, part["behavior"] ?? "Isolated")];
    case "Metaspace":
      return [{ ...part, prepend_scheme: schemeOf(part) }, ...wordCuts(part)];
    default:
      return [part];
  }
}

/** Words with the space symbol before each, if it cuts at all. */
function wordCuts(metaspace: JsonObject): readonly JsonObject[] {
  return metaspace["split"] === false ? [] : [split({ String: symbolOf(metaspace) }, "MergedWithNext")];
}

function split(pattern: JsonObject, behavior: unknown): JsonObject {
  return { type: "Split", pattern, behavior, invert: false };
}

function symbolOf(metaspace: JsonObject): string {
  return typeof metaspace["replacement"] === "string" ? metaspace["replacement"] : "▁";
}

/** Older files have `add_prefix_space`, which stands for "always" or "never". */
function schemeOf(metaspace: JsonObject): unknown {
  return metaspace["prepend_scheme"] ?? (metaspace["add_prefix_space"] === false ? "never" : "always");
}
