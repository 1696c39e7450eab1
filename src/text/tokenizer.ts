import { Tokenizer } from "@huggingface/tokenizers";
import { ResidentError } from "../common/errors";
import { readAddedTokens } from "./addedTokens";
import { Bpe } from "./bpe";
import { Detokenizer } from "./detokenizer";
import { Encoder } from "./encoder";
import { EncodingMemo } from "./encodingMemo";
import { isObject, type JsonObject, listOf, objectOf, tokenText } from "./json";
import { type SpecialToken, SpecialTokens, type Stretch } from "./markedText";
import { withoutPrepend } from "./normalizers";
import type { Place } from "./place";
import { readPreTokenizer } from "./preTokenizerParts";
import { runAtOnce, type Steps } from "./steps";
import { type TokenByteMap, tokenByteMap } from "./tokenBytes";
import { endOfSpaces, startOfSpaces } from "./whiteSpace";

/**
 * Text ⇄ ids of one model. Text is always encoded as plain text: a special-token string in it is spelt out. Control
 * tokens come from marked text only. The ids are those of Hugging Face's tokenizers for the same text.
 */
export class TextTokenizer {
  private readonly bytes: (Uint8Array | undefined)[] = [];
  /** For marked texts: their encoding can resume behind a special token. */
  private readonly memos: Readonly<Record<Place, EncodingMemo>>;

  private constructor(
    private readonly bpe: Bpe,
    private readonly encoder: Encoder,
    readonly specials: SpecialTokens,
    private readonly special: ReadonlyMap<number, SpecialToken>,
    /** Added tokens that stand for white space. Not all of them are in the vocabulary. */
    private readonly spaces: ReadonlyMap<number, string>,
    private readonly byteMap: TokenByteMap,
    /** Ids that the tokenizer puts before every text (BOS). */
    readonly leadingIds: readonly number[],
  ) {
    // A longer token may begin where one ends.
    const create = () => new EncodingMemo((_, end) => end - specials.longest);
    this.memos = { start: create(), section: create(), middle: create() };
  }

  /**
   * Takes parsed `tokenizer.json` and `tokenizer_config.json`. MODEL_CORRUPT or MODEL_UNSUPPORTED where they do not
   * work.
   */
  static create(tokenizerJson: unknown, tokenizerConfig: unknown): TextTokenizer {
    if (!isObject(tokenizerJson)) throw corruptTokenizer("it is not an object");
    requireBpe(objectOf(tokenizerJson["model"]));
    const byteMap = tokenByteMap(tokenizerJson["decoder"]);
    const { opening, preTokenizer } = readPreTokenizer(tokenizerJson["pre_tokenizer"]);
    const config = objectOf(tokenizerConfig);
    const whole = libraryParts(tokenizerJson["normalizer"], preTokenizer, config);
    const middle = libraryParts(withoutPrepend(tokenizerJson["normalizer"]), null, config);
    const added = readAddedTokens(tokenizerJson["added_tokens"], byteMap, whole.normalizer);
    const bpe = createBpe(tokenizerJson, added.specials);
    const encoder = new Encoder({
      bpe,
      normalizer: whole.normalizer,
      middleNormalizer: middle.normalizer,
      opening,
      preTokenizer: whole.pre_tokenizer,
      added,
    });
    return new TextTokenizer(
      bpe,
      encoder,
      new SpecialTokens(added.specials),
      new Map(added.specials.map((token) => [token.id, token])),
      new Map(added.spaces.map((token) => [token.id, token.content])),
      byteMap,
      readLeadingIds(tokenizerJson["post_processor"]),
    );
  }

  /** Encodes plain text. No space or BOS is put before a text in the middle of another one. */
  encodeText(text: string, place: Place = "start"): readonly number[] {
    return Array.from(runAtOnce(this.textSteps(text, place)));
  }

  /** Encodes marked text that follows the token `before`, or the middle of a text; else it begins one. */
  encodeMarked(marked: string, before?: number | "middle"): readonly number[] {
    return Array.from(runAtOnce(this.markedSteps(marked, before)));
  }

  /** As `encodeText`, interruptible. */
  *textSteps(text: string, place: Place): Steps<Int32Array> {
    if (text === "") return new Int32Array(0);
    return yield* this.encoder.encode(text, place);
  }

  /** As `encodeMarked`, interruptible. */
  *markedSteps(marked: string, before?: number | "middle"): Steps<Int32Array> {
    const token = typeof before === "number" ? this.special.get(before) : undefined;
    const place = before === undefined ? "start" : placeBehind(token);
    const memo = this.memos[place];
    const stripped = token?.stripsRight === true;
    const text = stripped ? marked.slice(endOfSpaces(marked, 0)) : marked;
    const known = memo.begin(text);
    const resumed = known.from > 0 ? "section" : place;
    const stretches = this.specials.split(text, known.from, resumed);
    for (const [i, stretch] of stretches.entries()) {
      const last = stretches[i - 1];
      if (stretch.kind === "special") {
        known.ids.push(stretch.token.id);
        if (!stretch.token.stripsRight && !stretch.token.takesSpace) known.mark(stretch.end);
        if (known.isComplete) break;
      } else {
        const next = stretches[i + 1];
        const plain = trimmed(stretch.text, last, next);
        const at = last?.kind === "special" ? placeBehind(last.token) : resumed;
        known.ids.pushAll(yield* this.textSteps(plain, at));
      }
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
    const special = this.special.get(id);
    const token = special === undefined ? (this.bpe.tokenOf(id) ?? this.spaces.get(id)) : undefined;
    const text = special?.takesSpace === true ? ` ${special.content}` : (special?.content ?? "");
    const bytes = token === undefined ? new TextEncoder().encode(text) : this.byteMap.bytesOf(token);
    this.bytes[id] = bytes;
    return bytes;
  }

  /** The special-token string of an id, if it is one. */
  specialOf(id: number): string | undefined {
    return this.special.get(id)?.content;
  }

  idOf(token: string): number | undefined {
    return this.specials.tokens.find(({ content }) => content === token)?.id ?? this.bpe.idOf(token);
  }
}

/** A token that was found in the normalised text ends no section. */
function placeBehind(token: SpecialToken | undefined): Place {
  return token === undefined || token.takesSpace ? "middle" : "section";
}

/** Removes white space next to a token that strips it. */
function trimmed(text: string, last: Stretch | undefined, next: Stretch | undefined): string {
  const from = last?.kind === "special" && last.token.stripsRight ? endOfSpaces(text, 0) : 0;
  const to = next?.kind === "special" && next.token.stripsLeft ? startOfSpaces(text, from, text.length) : text.length;
  return text.slice(from, to);
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
  const marks = ["continuing_subword_prefix", "end_of_word_suffix"].filter((mark) => (model[mark] ?? "") !== "");
  if (type === "BPE" && marks.length === 0) return;
  const name = [String(type), ...marks].join(" with ");
  throw new ResidentError(
    "MODEL_UNSUPPORTED",
    `the tokenizer's model ${name} is not supported`,
    "choose a model with a BPE tokenizer",
    { model: name },
  );
}

function createBpe(tokenizer: JsonObject, specials: readonly SpecialToken[]): Bpe {
  const model = objectOf(tokenizer["model"]);
  const unknown = tokenText(model["unk_token"]);
  const added = listOf(tokenizer["added_tokens"]).map(objectOf);
  const id =
    unknown === undefined
      ? undefined
      : (objectOf(model["vocab"])[unknown] ?? added.find(({ content }) => content === unknown)?.["id"]);
  // Nothing in a text can become a special token: neither a word of the vocabulary nor what merges make.
  const removed = new Set(specials.map(({ content }) => content));
  return construct(() => new Bpe(model, typeof id === "number" ? id : undefined, removed));
}

function libraryParts(normalizer: unknown, preTokenizer: JsonObject | null, config: JsonObject): Tokenizer {
  // Only the library's normaliser and pre-tokenizer are used, so its model, which would be large, is left empty.
  const empty = {
    added_tokens: [],
    post_processor: null,
    decoder: null,
    model: { type: "BPE", vocab: {}, merges: [] },
  };
  return construct(() => new Tokenizer({ ...empty, normalizer, pre_tokenizer: preTokenizer }, config));
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
