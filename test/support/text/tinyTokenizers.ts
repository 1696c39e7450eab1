/** Very small tokenizers in the format of tokenizer.json. */

const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;

/** GPT-2's characters for the bytes 0…255. */
const byteCharacters: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
})();

const merges: readonly string[] = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "Ċ Ċ", "Ã ©", "i m"];

interface Added {
  readonly content: string;
  readonly special: boolean;
  readonly rstrip?: boolean;
}

export const chatSpecials: readonly Added[] = [
  { content: "<|im_start|>", special: true },
  { content: "<|im_end|>", special: true },
  { content: "<|endoftext|>", special: true },
  { content: "<think>", special: false },
  { content: "</think>", special: false },
];

/** Byte-level BPE: ids 0…255 are the bytes, then the merged words, then the added tokens. */
export function byteLevelTokenizer(
  added: readonly Added[] = chatSpecials,
  postProcessor: object | null = null,
): object {
  const words = [...byteCharacters, ...merges.map((merge) => merge.replace(" ", ""))];
  const specials = added.map(({ content, special, rstrip }, i) => ({
    id: words.length + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: rstrip === true,
    normalized: false,
    special,
  }));
  return {
    version: "1.0",
    added_tokens: specials,
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: postProcessor,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: null,
      byte_fallback: false,
      ignore_merges: true,
      vocab: Object.fromEntries([...words, ...added.map(({ content }) => content)].map((word, id) => [word, id])),
      merges,
    },
  };
}

/** SentencePiece's BPE with byte fallback, as in Llama 2 and Mistral: "▁" is a space; a leading one is added. */
export function sentencePieceTokenizer(): object {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const words = ["<unk>", "<s>", "</s>", ...bytes, "▁", "a", "b", "c", "▁a", "ab", "▁ab"];
  return {
    added_tokens: [0, 1, 2].map((id) => ({ id, content: words[id], special: true, normalized: false })),
    normalizer: null,
    pre_tokenizer: { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: false },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<s>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      pair: [],
      special_tokens: { "<s>": { id: "<s>", ids: [1], tokens: ["<s>"] } },
    },
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges: ["▁ a", "a b", "▁a b"],
    },
  };
}

const spaceRuns = [2, 3, 4, 5, 6, 7, 8];

/** As in Gemma: "▁" is a space; runs of it come from merges and are also added tokens. */
export function spaceRunTokenizer(): object {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`);
  const runs = spaceRuns.map((length) => "▁".repeat(length));
  const words = ["<pad>", "<eos>", "<bos>", "<unk>", "▁", "a", "b", "i", "f", "\n", ...runs, ...bytes];
  const merges = runs.flatMap((run) =>
    Array.from({ length: run.length - 1 }, (_, at) => [run.slice(0, at + 1), run.slice(at + 1)]),
  );
  const added = [...words.slice(0, 4), ...runs].map((content) => ({
    id: words.indexOf(content),
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: content.startsWith("<"),
  }));
  return {
    version: "1.0",
    added_tokens: added,
    normalizer: { type: "Replace", pattern: { String: " " }, content: "▁" },
    pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "MergedWithPrevious", invert: false },
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: "▁" }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
      ],
    },
    model: {
      type: "BPE",
      unk_token: "<unk>",
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges,
    },
  };
}

/** As in GPT-NeoX and Phi: byte-level; runs of spaces and tabs are added tokens that are not in the vocabulary. */
export function addedSpaceTokenizer(normalized: boolean): object {
  const words = [...byteCharacters, ...merges.map((merge) => merge.replace(" ", ""))];
  const runs = [...spaceRuns.map((length) => " ".repeat(length)), "\t\t"];
  return {
    version: "1.0",
    added_tokens: runs.reverse().map((content, i) => ({
      id: words.length + i,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized,
      special: false,
    })),
    normalizer: { type: "NFC" },
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: null,
    decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: "BPE",
      unk_token: null,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges,
    },
  };
}
