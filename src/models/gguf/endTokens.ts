/**
 * Tokens that end an answer, by their text: many files name only one end in their metadata, and it is the end of a text, not
 * of a turn. llama.cpp's list (llama-vocab.cpp), without those that end a call of a tool.
 */
const endNames: readonly string[] = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|return|>",
  "<end_of_turn>",
  "<|endoftext|>",
  "</s>",
  "<|eom_id|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "[EOS]",
  "<|end_of_text|>",
  "<end_of_utterance>",
  "<｜end▁of▁sentence｜>",
];

/** Ids of such tokens. `isOrdinary`: a token that may be part of a text. */
export function namedEnds(ids: ReadonlyMap<string, number>, isOrdinary: (id: number) => boolean): readonly number[] {
  return endNames.flatMap((name) => {
    const id = ids.get(name);
    return id === undefined || isOrdinary(id) ? [] : [id];
  });
}
