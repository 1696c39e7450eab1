import { Tokenizer } from "@huggingface/tokenizers";
import { ResidentError } from "../common/errors";
import { Bpe } from "./bpe";
import { Detokenizer } from "./detokenizer";
import { type AddedTokens, Encoder } from "./encoder";
import { EncodingMemo } from "./encodingMemo";
import { isObject, type JsonObject, listOf, objectOf, tokenText } from "./json";
import { type SpecialToken, SpecialTokens } from "./markedText";
import { forContinuation, withoutTokens } from "./plainTokenizer";
import { runAtOnce, type Steps } from "./steps";
import { type TokenByteMap, tokenByteMap } from "./tokenBytes";
import { TokenTrie } from "./tokenTrie";

/**
 * Text ⇄ ids of one model. Text is always encoded as plain text: a special-token string in it is spelt out. Control
 * tokens come from marked text only. The ids are those of Hugging Face's tokenizers for the same text.
 */
export class TextTokenizer {
  private readonly bytes: (Uint8Array | undefined)[] = [];
  /** For marked texts: their encoding can resume behind a special token. */
  private readonly firstMemo: EncodingMemo;
  private readonly continuedMemo: EncodingMemo;

  private constructor(
    private readonly bpe: Bpe,
    /** For the start of a text, and for a text that continues another one. */
    private readonly first: Encoder,
    private readonly continued: Encoder,
    readonly specials: SpecialTokens,
    private readonly contents: ReadonlyMap<number, string>,
    /** Added tokens that stand for white space. Not all of them are in the vocabulary. */
    private readonly spaces: ReadonlyMap<number, string>,
    private readonly byteMap: TokenByteMap,
    /** Ids that the tokenizer puts before every text (BOS). */
    readonly leadingIds: readonly number[],
  ) {
    // A longer token may begin where one ends.
    const unreached = (_: string, end: number) => end - specials.longest;
    this.firstMemo = new EncodingMemo(unreached);
    this.continuedMemo = new EncodingMemo(unreached);
  }

  /**
   * Takes parsed `tokenizer.json` and `tokenizer_config.json`. MODEL_CORRUPT or MODEL_UNSUPPORTED where they do not
   * work.
   */
  static create(tokenizerJson: unknown, tokenizerConfig: unknown): TextTokenizer {
    const config = objectOf(tokenizerConfig);
    if (!isObject(tokenizerJson)) throw corruptTokenizer("it is not an object");
    requireBpe(objectOf(tokenizerJson["model"]));
    const byteMap = tokenByteMap(tokenizerJson["decoder"]);
    const added = listOf(tokenizerJson["added_tokens"]).flatMap((value) => readAddedToken(value, byteMap));
    const specials = added.filter(({ isSpace }) => !isSpace);
    const plain = withoutTokens(tokenizerJson, new Set(specials.map((token) => token.content)));
    const continuation = forContinuation(plain);
    const bpe = createBpe(plain, tokenizerJson);
    const first = createEncoder(plain, config, bpe);
    return new TextTokenizer(
      bpe,
      first,
      continuation === undefined ? first : createEncoder(continuation, config, bpe),
      new SpecialTokens(specials),
      new Map(specials.map((token) => [token.id, token.content])),
      new Map(added.filter(({ isSpace }) => isSpace).map((token) => [token.id, token.content])),
      byteMap,
      readLeadingIds(tokenizerJson["post_processor"]),
    );
  }

  /** Encodes plain text. `continues`: it follows other tokens, so no space or BOS is put before it. */
  encodeText(text: string, continues = false): readonly number[] {
    return Array.from(runAtOnce(this.textSteps(text, continues)));
  }

  /** Encodes marked text. */
  encodeMarked(marked: string, continues = false): readonly number[] {
    return Array.from(runAtOnce(this.markedSteps(marked, continues)));
  }

  /** As `encodeText`, interruptible. */
  *textSteps(text: string, continues: boolean): Steps<Int32Array> {
    if (text === "") return new Int32Array(0);
    return yield* (continues ? this.continued : this.first).encode(text);
  }

  /** As `encodeMarked`, interruptible. */
  *markedSteps(marked: string, continues: boolean): Steps<Int32Array> {
    const memo = continues ? this.continuedMemo : this.firstMemo;
    const known = memo.begin(marked);
    const stretches = this.specials.split(marked, known.from);
    for (const [i, stretch] of stretches.entries()) {
      if (stretch.kind === "special") {
        known.ids.push(stretch.token.id);
        if (!stretch.token.stripsRight) known.mark(stretch.end);
        if (known.isComplete) break;
        continue;
      }
      const before = stretches[i - 1];
      const after = stretches[i + 1];
      let { text } = stretch;
      if (before?.kind === "special" && before.token.stripsRight) text = text.trimStart();
      if (after?.kind === "special" && after.token.stripsLeft) text = text.trimEnd();
      known.ids.pushAll(yield* this.textSteps(text, continues || known.from > 0 || i > 0));
    }
    return memo.end(known);
  }

  /** The text of `ids`. Bytes that are not UTF-8 become U+FFFD. Special tokens are written out. */
  decode(ids: Iterable<number>): string {
    const detokenizer = new Detokenizer(this);
    let text = "";
    for (const id of ids) text += detokenizer.push(id);
    return text + detokenizer.finish();
  }

  get dropsFirstSpace(): boolean {
    return this.byteMap.dropsFirstSpace;
  }

  /** The bytes that a token stands for; none for an id that is no token. */
  bytesOf(id: number): Uint8Array {
    const known = this.bytes[id];
    if (known !== undefined) return known;
    const content = this.contents.get(id);
    const token = content === undefined ? (this.bpe.tokenOf(id) ?? this.spaces.get(id)) : undefined;
    const bytes = token === undefined ? new TextEncoder().encode(content ?? "") : this.byteMap.bytesOf(token);
    this.bytes[id] = bytes;
    return bytes;
  }

  /** The special-token string of an id, if it is one. */
  specialOf(id: number): string | undefined {
    return this.contents.get(id);
  }

  idOf(token: string): number | undefined {
    return this.specials.tokens.find(({ content }) => content === token)?.id ?? this.bpe.idOf(token);
  }
}

interface AddedSpecial extends SpecialToken {
  /**
   * The token is decoded to white space only ("▁▁" where "▁" is a space). It cannot forge anything, and texts are made
   * of it: it stays an ordinary token, which is found in a text, made by merges and decoded like any other.
   */
  readonly isSpace: boolean;
}

function readAddedToken(value: unknown, byteMap: TokenByteMap): readonly AddedSpecial[] {
  const { id, content, special, lstrip, rstrip } = objectOf(value);
  if (typeof id !== "number" || typeof content !== "string" || content === "") return [];
  const isControl = special === true;
  const isSpace = !isControl && new TextDecoder().decode(byteMap.bytesOf(content)).trim() === "";
  return [{ id, content, isControl, stripsLeft: lstrip === true, stripsRight: rstrip === true, isSpace }];
}

/** Ids before the text, from a TemplateProcessing alone or in a sequence. */
function readLeadingIds(postProcessor: unknown): readonly number[] {
  if (!isObject(postProcessor)) return [];
  if (postProcessor["type"] === "Sequence") return listOf(postProcessor["processors"]).flatMap(readLeadingIds);
  if (postProcessor["type"] !== "TemplateProcessing") return [];
  const ids: number[] = [];
  for (const item of listOf(postProcessor["single"])) {
    const name = objectOf(objectOf(item)["SpecialToken"])["id"];
    if (typeof name !== "string") break;
    const token = objectOf(objectOf(postProcessor["special_tokens"])[name]);
    ids.push(...listOf(token["ids"]).filter((id) => typeof id === "number"));
  }
  return ids;
}

/** Older files do not name the type. Merges show that it is BPE. */
function requireBpe(model: JsonObject): void {
  const type = model["type"] ?? (model["merges"] === undefined ? "unnamed" : "BPE");
  if (type === "BPE") return;
  throw new ResidentError(
    "MODEL_UNSUPPORTED",
    `the tokenizer's model ${String(type)} is not supported`,
    "choose a model with a BPE tokenizer",
    { model: String(type) },
  );
}

function createBpe(plain: JsonObject, original: JsonObject): Bpe {
  const model = objectOf(original["model"]);
  const unknown = tokenText(model["unk_token"]);
  const added = listOf(original["added_tokens"]).map(objectOf);
  const id =
    unknown === undefined
      ? undefined
      : (objectOf(model["vocab"])[unknown] ?? added.find(({ content }) => content === unknown)?.["id"]);
  return construct(() => new Bpe(objectOf(plain["model"]), typeof id === "number" ? id : undefined));
}

function createEncoder(plain: JsonObject, config: JsonObject, bpe: Bpe): Encoder {
  // Only the library's normaliser and pre-tokenizer are used, so its model, which would be large, is left empty.
  const { normalizer, pre_tokenizer } = construct(
    () => new Tokenizer({ ...plain, added_tokens: [], model: { type: "BPE", vocab: {}, merges: [] } }, config),
  );
  return new Encoder(bpe, normalizer, pre_tokenizer, readAdded(plain, normalizer));
}

/** Added tokens that plain text may hold. */
function readAdded(plain: JsonObject, normalizer: Tokenizer["normalizer"]): AddedTokens {
  const tokens = listOf(plain["added_tokens"]).flatMap((value) => {
    const { id, content, special, normalized, lstrip, rstrip } = objectOf(value);
    if (typeof id !== "number" || typeof content !== "string" || content === "") return [];
    const isNormalized = normalizer !== null && (typeof normalized === "boolean" ? normalized : special !== true);
    const token = { id, content, stripsLeft: lstrip === true, stripsRight: rstrip === true };
    return [{ isNormalized, token }];
  });
  const exact = new TokenTrie(tokens.filter(({ isNormalized }) => !isNormalized).map(({ token }) => token));
  const changed = tokens
    .filter(({ isNormalized }) => isNormalized)
    .map(({ token }) => ({ ...token, content: normalizer?.normalize(token.content) ?? token.content }));
  return changed.length === 0 ? { exact } : { exact, normalized: new TokenTrie(changed) };
}

function construct<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    throw corruptTokenizer(error instanceof Error ? error.message : String(error), error);
  }
}

function corruptTokenizer(reason: string, cause?: unknown): ResidentError {
  return new ResidentError(
    "MODEL_CORRUPT",
    `tokenizer.json cannot be used: ${reason}`,
    "download the model again",
    { file: "tokenizer.json" },
    cause,
  );
}
