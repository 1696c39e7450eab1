import type { Metadata } from "./metadata";
import { type PreTokenizer, preTokenizerOf } from "./preTokenizers";
import type { Vocabulary } from "./vocabulary";

export interface TokenizerFiles {
  /** `tokenizer.json`, the format of Hugging Face's tokenizers. */
  readonly tokenizer: object;
  /** `tokenizer_config.json`. */
  readonly config: object;
}

export function tokenizerFiles(metadata: Metadata, vocabulary: Vocabulary, contextTokens: number): TokenizerFiles {
  const preTokenizer = preTokenizerOf(metadata.string("tokenizer.ggml.model"), metadata.string("tokenizer.ggml.pre"));
  const addBos =
    (metadata.boolean("tokenizer.ggml.add_bos_token") ?? preTokenizer.addsBos) && vocabulary.special.bos !== undefined;
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
      normalizer: preTokenizer.normalizer === undefined ? null : { type: preTokenizer.normalizer },
      pre_tokenizer: preTokenizerJson(preTokenizer),
      post_processor: postProcessorJson(vocabulary, addBos),
      decoder: byteLevel,
      model: {
        type: "BPE",
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: preTokenizer.ignoreMerges,
        vocab: vocabularyJson(vocabulary.tokens),
        merges: vocabulary.merges,
      },
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

function postProcessorJson(vocabulary: Vocabulary, addBos: boolean): object {
  const { bos } = vocabulary.special;
  const token = bos === undefined ? undefined : vocabulary.tokens[bos];
  if (!addBos || token === undefined) return byteLevel;
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
