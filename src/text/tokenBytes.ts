import { ResidentError } from "../common/errors";
import { byteLevelBytes } from "./byteCharacters";
import { isObject, type JsonObject, listOf, objectOf } from "./json";

/** Converts a token's name in the vocabulary to bytes of text. */
export interface TokenByteMap {
  bytesOf(token: string): Uint8Array;
  /** Decoding drops one space at the very start. */
  readonly dropsFirstSpace: boolean;
}

/** From the `decoder` of a tokenizer.json. Throws MODEL_UNSUPPORTED with the name of another kind of decoder. */
export function tokenByteMap(decoder: unknown): TokenByteMap {
  const parts = decoderParts(decoder);
  const types = parts.map((part) => String(part["type"]));
  if (types.length === 1 && types[0] === "ByteLevel") return { bytesOf: byteLevelBytes, dropsFirstSpace: false };
  const known = new Set(["Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"]);
  const unknown = types.find((type) => !known.has(type));
  const replacement = spaceSymbol(parts);
  if (unknown !== undefined || replacement === undefined) {
    const name = unknown ?? (types.join(", ") || "none");
    throw new ResidentError(
      "MODEL_UNSUPPORTED",
      `the tokenizer's decoder (${name}) is not supported`,
      "choose a model with a byte-level or SentencePiece BPE tokenizer",
      { decoder: name },
    );
  }
  const withBytes = types.includes("ByteFallback");
  return {
    bytesOf: (token) =>
      (withBytes ? fallbackByte(token) : undefined) ?? utf8.encode(token.replaceAll(replacement, " ")),
    dropsFirstSpace: parts.some(dropsFirstSpace),
  };
}

function decoderParts(decoder: unknown): readonly JsonObject[] {
  if (!isObject(decoder)) return [];
  return decoder["type"] === "Sequence" ? listOf(decoder["decoders"]).flatMap(decoderParts) : [decoder];
}

/** The character that stands for a space in the vocabulary. */
function spaceSymbol(parts: readonly JsonObject[]): string | undefined {
  for (const part of parts) {
    if (part["type"] === "Metaspace") return typeof part["replacement"] === "string" ? part["replacement"] : "▁";
    const pattern = objectOf(part["pattern"])["String"];
    if (part["type"] === "Replace" && part["content"] === " " && typeof pattern === "string") return pattern;
  }
  return undefined;
}

function dropsFirstSpace(part: JsonObject): boolean {
  if (part["type"] === "Metaspace") return part["prepend_scheme"] !== "never" && part["add_prefix_space"] !== false;
  return part["type"] === "Strip" && part["content"] === " " && part["start"] === 1;
}

const utf8 = new TextEncoder();

function fallbackByte(token: string): Uint8Array | undefined {
  const hex = /^<0x([0-9A-F]{2})>$/.exec(token)?.[1];
  return hex === undefined ? undefined : Uint8Array.of(Number.parseInt(hex, 16));
}
