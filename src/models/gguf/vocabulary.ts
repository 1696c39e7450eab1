import { namedEnds } from "./endTokens";
import { corrupt } from "./importErrors";
import type { Metadata } from "./metadata";
import { isBlank, mergesOf } from "./spmMerges";
import { TokenType } from "./tokenTypes";

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

/**
 * Reads tokens, merges and special ids. `vocabSize`: rows of the embedding, which every id must be below. `isSentencePiece`:
 * there are scores instead of merges.
 */
export function readVocabulary(metadata: Metadata, vocabSize: number, isSentencePiece: boolean): Vocabulary {
  const stored = metadata.strings("tokenizer.ggml.tokens");
  if (stored === undefined) throw corrupt("the file holds no tokens");
  if (stored.length > vocabSize) {
    throw corrupt(`the tokenizer has ${stored.length} tokens and the embedding ${vocabSize} rows`, {
      tokens: stored.length,
      vocabSize,
    });
  }
  const types = listFor(stored.length, metadata, "token_type") ?? [];
  const tokens = isSentencePiece ? stored.map((token, id) => sentencePiece(token, types[id])) : stored;
  const ids = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    const other = ids.get(token);
    if (other !== undefined)
      throw corrupt(`the tokens ${other} and ${id} are the same text`, { token, first: other, second: id });
    ids.set(token, id);
  }
  return {
    tokens,
    merges: isSentencePiece ? scoredMerges(metadata, tokens, types) : storedMerges(metadata, ids),
    added: addedTokens(tokens, types),
    special: specialIds(metadata, tokens, types, ids),
  };
}

/** llama.cpp's converter writes runs of spaces as such; SentencePiece's own form is ▁. */
function sentencePiece(token: string, type: number | undefined): string {
  return type === TokenType.UserDefined && isBlank(token) ? token.replaceAll(" ", "▁") : token;
}

function listFor(count: number, metadata: Metadata, name: string): readonly number[] | undefined {
  const list = metadata.numbers(`tokenizer.ggml.${name}`);
  if (list === undefined || list.length === 0) return undefined;
  if (list.length === count) return list;
  throw corrupt(`there are ${count} tokens and the list ${name} has ${list.length}`, {
    tokens: count,
    values: list.length,
  });
}

function scoredMerges(metadata: Metadata, tokens: readonly string[], types: readonly number[]): readonly string[] {
  const scores = listFor(tokens.length, metadata, "scores");
  if (scores === undefined) throw corrupt("the file holds no tokenizer: its tokens have neither scores nor merges");
  return mergesOf({ tokens, scores, types });
}

function storedMerges(metadata: Metadata, ids: ReadonlyMap<string, number>): readonly string[] {
  const merges = metadata.strings("tokenizer.ggml.merges");
  if (merges === undefined) throw corrupt("the file holds no tokenizer: its merges are missing");
  for (const [rank, merge] of merges.entries()) checkMerge(merge, rank, ids);
  return merges;
}

function checkMerge(merge: string, rank: number, ids: ReadonlyMap<string, number>): void {
  const space = merge.indexOf(" ", 1);
  const left = merge.slice(0, space);
  const right = merge.slice(space + 1);
  if (space < 0 || !ids.has(left) || !ids.has(right) || !ids.has(left + right)) {
    throw corrupt(`merge ${rank} is not made of tokens`, { merge: rank });
  }
}

function addedTokens(tokens: readonly string[], types: readonly number[]): readonly AddedToken[] {
  return tokens.flatMap((content, id) => {
    const special = types[id] === TokenType.Control;
    return special || types[id] === TokenType.UserDefined ? [{ id, content, special }] : [];
  });
}

/** An id that is no token is as if it were not there: files have −1 or the size of the vocabulary for "none". */
function specialIds(
  metadata: Metadata,
  tokens: readonly string[],
  types: readonly number[],
  ids: ReadonlyMap<string, number>,
): SpecialIds {
  const idOf = (name: string): number | undefined => {
    const id = metadata.integer(`tokenizer.ggml.${name}_token_id`);
    return id !== undefined && id < tokens.length ? id : undefined;
  };
  const stated = [idOf("eos"), idOf("eot"), idOf("eom")].filter((id) => id !== undefined);
  const isOrdinary = (id: number) => types.length > 0 && types[id] !== TokenType.Control;
  const ends = new Set([...stated, ...namedEnds(ids, isOrdinary)]);
  if (ends.size === 0) {
    throw corrupt("no token ends an answer: tokenizer.ggml.eos_token_id is missing, or is no token", {
      key: "tokenizer.ggml.eos_token_id",
    });
  }
  return { bos: idOf("bos"), eos: [...ends], unknown: idOf("unknown"), padding: idOf("padding") };
}
