import type { SpecialTokens } from "./markedText";

/** What each id stands for in an answer's text: the words that grammars are about. */
export interface AnswerWords {
  /** The bytes of all ids, one after the other. */
  readonly bytes: Uint8Array;
  /** Where in `bytes` each id's end. */
  readonly ends: Int32Array;
  /** Control tokens: their bytes are their names. */
  readonly controlIds: Int32Array;
  /** The other special tokens, which an answer may hold: marks of tools and thoughts. */
  readonly markIds: Int32Array;
}

/** Of a tokenizer whose model has `vocabSize` ids. An id that is no token has no bytes. */
export function answerWords(
  tokenizer: { bytesOf(id: number): Uint8Array; readonly specials: Pick<SpecialTokens, "tokens"> },
  vocabSize: number,
): AnswerWords {
  const words = Array.from({ length: vocabSize }, (_, id) => tokenizer.bytesOf(id));
  const ends = new Int32Array(vocabSize);
  let end = 0;
  words.forEach((word, id) => {
    end += word.length;
    ends[id] = end;
  });
  const bytes = new Uint8Array(end);
  words.forEach((word, id) => {
    bytes.set(word, (ends[id] ?? 0) - word.length);
  });
  const marks = tokenizer.specials.tokens.filter(({ id }) => id < vocabSize);
  const idsOf = (control: boolean) =>
    Int32Array.from(
      marks.filter(({ isControl }) => isControl === control),
      ({ id }) => id,
    );
  return { bytes, ends, controlIds: idsOf(true), markIds: idsOf(false) };
}
