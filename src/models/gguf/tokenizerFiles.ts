import type { Metadata } from "./metadata";
import type { PreTokenizer, TokenizerKind } from "./preTokenizers";
import type { Vocabulary } from "./vocabulary";

export interface TokenizerFiles {
  /** `tokenizer.json`, the format of Hugging Face's tokenizers. */
  readonly tokenizer: object;
  /** `tokenizer_config.json`. */
  readonly config: object;
}

export function tokenizerFiles(
  metadata: Metadata,
  kind: TokenizerKind,
  vocabulary: Vocabulary,
  contextTokens: number,
): TokenizerFiles {
  const usuallyAddsBos = kind.kind === "byteLevel" ? kind.preTokenizer.addsBos : kind.addsBos;
  const addBos =
    (metadata.boolean("tokenizer.ggml.add_bos_token") ?? usuallyAddsBos) && vocabulary.special.bos !== undefined;
  const added = vocabulary.added.map(({ id, content, special }) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special,
  }));
  return {
    tokenizer: {
      version: "1.0",
      truncation: null,
      padding: null,
      added_tokens: added,
      ...(kind.kind === "byteLevel"
        ? byteLevelParts(kind.preTokenizer, vocabulary, addBos)
        : sentencePieceParts(kind.prefixesSpace, vocabulary, addBos)),
    },
    config: {
      tokenizer_class: "PreTrainedTokenizerFast",
      model_max_length: contextTokens,
      add_bos_token: addBos,
      add_prefix_space: false,
      clean_up_tokenization_spaces: false,
      ...named("bos_token", vocabulary.special.bos, vocabulary),
      ...named("eos_token", vocabulary.special.eos[0], vocabulary),
      ...named("unk_token", vocabulary.special.unknown, vocabulary),
      ...named("pad_token", vocabulary.special.padding, vocabulary),
      added_tokens_decoder: Object.fromEntries(added.map(({ id, ...token }) => [String(id), token])),
      ...chatTemplate(metadata),
    },
  };
}

function byteLevelParts(preTokenizer: PreTokenizer, vocabulary: Vocabulary, addBos: boolean): object {
  return {
    normalizer: preTokenizer.normalizer === undefined ? null : { type: preTokenizer.normalizer },
    pre_tokenizer: preTokenizerJson(preTokenizer),
    post_processor: postProcessorJson(vocabulary, addBos) ?? byteLevel,
    decoder: byteLevel,
    model: bpe(vocabulary, { ignore_merges: preTokenizer.ignoreMerges }),
  };
}

/** As the files of Llama 2 (`prefixesSpace`) and Gemma. */
function sentencePieceParts(prefixesSpace: boolean, vocabulary: Vocabulary, addBos: boolean): object {
  const toPieces = { type: "Replace", pattern: { String: " " }, content: "▁" };
  const decoders = [
    { type: "Replace", pattern: { String: "▁" }, content: " " },
    { type: "ByteFallback" },
    { type: "Fuse" },
    ...(prefixesSpace ? [{ type: "Strip", content: " ", start: 1, stop: 0 }] : []),
  ];
  const unknown = vocabulary.special.unknown;
  return {
    normalizer: prefixesSpace
      ? { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, toPieces] }
      : toPieces,
    pre_tokenizer: null,
    post_processor: postProcessorJson(vocabulary, addBos) ?? null,
    decoder: { type: "Sequence", decoders },
    model: bpe(vocabulary, {
      unk_token: (unknown === undefined ? undefined : vocabulary.tokens[unknown]) ?? null,
      fuse_unk: true,
      byte_fallback: true,
    }),
  };
}

function bpe(vocabulary: Vocabulary, own: object): object {
  return {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    ...own,
    vocab: vocabularyJson(vocabulary.tokens),
    merges: vocabulary.merges,
  };
}

/** The cutting is all in the Split patterns; this only maps bytes to characters. */
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false };

function preTokenizerJson(preTokenizer: PreTokenizer): object {
  const splits = preTokenizer.patterns.map((pattern) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  }));
  return { type: "Sequence", pretokenizers: [...splits, byteLevel] };
}

/** Puts BOS before a text; undefined: nothing is put there. */
function postProcessorJson(vocabulary: Vocabulary, addBos: boolean): object | undefined {
  const { bos } = vocabulary.special;
  const token = bos === undefined ? undefined : vocabulary.tokens[bos];
  if (!addBos || token === undefined) return undefined;
  const start = (type_id: number) => ({ SpecialToken: { id: token, type_id } });
  return {
    type: "TemplateProcessing",
    single: [start(0), { Sequence: { id: "A", type_id: 0 } }],
    pair: [start(0), { Sequence: { id: "A", type_id: 0 } }, start(1), { Sequence: { id: "B", type_id: 1 } }],
    special_tokens: { [token]: { id: token, ids: [bos], tokens: [token] } },
  };
}

/** Without a prototype, so that a token named like one of its members stays a token. */
function vocabularyJson(tokens: readonly string[]): Readonly<Record<string, number>> {
  const vocabulary: Record<string, number> = Object.create(null);
  for (const [id, token] of tokens.entries()) vocabulary[token] = id;
  return vocabulary;
}

function named(key: string, id: number | undefined, vocabulary: Vocabulary): Readonly<Record<string, string>> {
  const token = id === undefined ? undefined : vocabulary.tokens[id];
  return token === undefined ? {} : { [key]: token };
}

function chatTemplate(metadata: Metadata): object {
  const template = metadata.string("tokenizer.chat_template");
  return template === undefined ? {} : { chat_template: template };
}
