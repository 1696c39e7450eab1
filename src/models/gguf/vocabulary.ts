import { corrupt } from "./importErrors";
import type { Metadata } from "./metadata";

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly special: boolean;
}

export interface SpecialIds {
  readonly bos: number | undefined;
  /** Every id that ends an answer; at least one. */
  readonly eos: readonly number[];
  readonly unknown: number | undefined;
  readonly padding: number | undefined;
}

export interface Vocabulary {
  readonly tokens: readonly string[];
  readonly merges: readonly string[];
  readonly added: readonly AddedToken[];
  readonly special: SpecialIds;
}

/** Kinds of tokens in `tokenizer.ggml.token_type`; the others are ordinary ones. */
const controlType = 3;
const userDefinedType = 4;

/** Reads tokens, merges and special ids. `vocabSize`: rows of the embedding, which every id must be below. */
export function readVocabulary(metadata: Metadata, vocabSize: number): Vocabulary {
  const tokens = metadata.strings("tokenizer.ggml.tokens");
  const merges = metadata.strings("tokenizer.ggml.merges");
  if (tokens === undefined || merges === undefined) throw corrupt("the file holds no tokenizer (tokens and merges)");
  if (tokens.length > vocabSize) {
    throw corrupt(`the tokenizer has ${tokens.length} tokens and the embedding ${vocabSize} rows`, {
      tokens: tokens.length,
      vocabSize,
    });
  }
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const other = ids.get(token);
    if (other !== undefined)
      throw corrupt(`the tokens ${other} and ${id} are the same text`, { token, first: other, second: id });
    ids.set(token, id);
  }
  for (const [rank, merge] of merges.entries()) checkMerge(merge, rank, ids);
  return { tokens, merges, added: addedTokens(metadata, tokens), special: specialIds(metadata, tokens.length) };
}

function checkMerge(merge: string, rank: number, ids: ReadonlyMap<string, number>): void {
  const space = merge.indexOf(" ", 1);
  const left = merge.slice(0, space);
  const right = merge.slice(space + 1);
  if (space < 0 || !ids.has(left) || !ids.has(right) || !ids.has(left + right)) {
    throw corrupt(`merge ${rank} is not made of tokens`, { merge: rank });
  }
}

function addedTokens(metadata: Metadata, tokens: readonly string[]): readonly AddedToken[] {
  const types = metadata.numbers("tokenizer.ggml.token_type") ?? [];
  if (types.length !== 0 && types.length !== tokens.length) {
    throw corrupt(`there are ${tokens.length} tokens and ${types.length} token types`, {
      tokens: tokens.length,
      types: types.length,
    });
  }
  return tokens.flatMap((content, id) => {
    const type = types[id];
    return type === controlType || type === userDefinedType ? [{ id, content, special: type === controlType }] : [];
  });
}

function specialIds(metadata: Metadata, count: number): SpecialIds {
  const idOf = (name: string): number | undefined => {
    const key = `tokenizer.ggml.${name}_token_id`;
    const id = metadata.integer(key);
    if (id !== undefined && id >= count)
      throw corrupt(`${key} is ${id} and there are ${count} tokens`, { key, id, count });
    return id;
  };
  const ends = [idOf("eos"), idOf("eot"), idOf("eom")].filter((id) => id !== undefined);
  if (ends.length === 0) throw corrupt("the metadata entry tokenizer.ggml.eos_token_id is missing");
  return { bos: idOf("bos"), eos: [...new Set(ends)], unknown: idOf("unknown"), padding: idOf("padding") };
}
