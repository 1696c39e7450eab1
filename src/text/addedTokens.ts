import type { Normalizer } from "@huggingface/tokenizers";
import { listOf, objectOf } from "./json";
import type { SpecialToken } from "./markedText";
import type { TokenByteMap } from "./tokenBytes";
import { type FoundToken, TokenTrie } from "./tokenTrie";

/** The `added_tokens` of a tokenizer.json. */
export interface AddedTokens {
  readonly specials: readonly SpecialToken[];
  /**
   * Tokens that are decoded to white space only ("▁▁" where "▁" is a space). They cannot forge anything, and texts are
   * made of them: they stay ordinary tokens, which are found in a text, made by merges and decoded like any other.
   */
  readonly spaces: readonly FoundToken[];
  /** Those of the white space that are searched in the text as it is, and in the normalised text, if there are any. */
  readonly exact: TokenTrie<FoundToken>;
  readonly normalized?: TokenTrie<FoundToken>;
}

export function readAddedTokens(list: unknown, byteMap: TokenByteMap, normalizer: Normalizer | null): AddedTokens {
  const specials: SpecialToken[] = [];
  const exact: FoundToken[] = [];
  const normalized: FoundToken[] = [];
  for (const value of listOf(list)) {
    const flags = objectOf(value);
    const { id, content } = flags;
    if (typeof id !== "number" || typeof content !== "string" || content === "") continue;
    const isControl = flags["special"] === true;
    const token: FoundToken = {
      id,
      content,
      stripsLeft: flags["lstrip"] === true,
      stripsRight: flags["rstrip"] === true,
      isWord: flags["single_word"] === true,
    };
    const normal = normalizer !== null && (flags["normalized"] ?? !isControl) === true;
    if (isControl || new TextDecoder().decode(byteMap.bytesOf(content)).trim() !== "") {
      const takesSpace = normal && normalizer.normalize(content) === `▁${content}`;
      // In the normalised text a space is "▁", which is no white space.
      const strips = takesSpace ? { stripsLeft: false, stripsRight: false } : {};
      specials.push({ ...token, ...strips, isControl, takesSpace });
    } else if (normal) normalized.push({ ...token, content: normalizer.normalize(content) });
    else exact.push(token);
  }
  const spaces = { exact: new TokenTrie(exact), spaces: [...exact, ...normalized] };
  return normalized.length === 0
    ? { specials, ...spaces }
    : { specials, ...spaces, normalized: new TokenTrie(normalized) };
}
