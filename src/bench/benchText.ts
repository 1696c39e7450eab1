const sentences = [
  "The parser reads one statement after the other and keeps the position of each in a table.",
  "When a brace is missing, it reports the end of the last complete statement and goes on.",
  "A cache that was written by another version is refused, and the reason is shown to the reader.",
  "Every block holds sixty-four tokens, and a table says which blocks belong to which agent.",
  "The scheduler takes the rows that decode first, and gives what is left to those that read.",
  "Nothing is read twice unless the text before it has changed, and then only from there on.",
] as const;

/** About the number of tokens with the tokenizers in use. Figures report the number that was really read. */
const tokensPerSentence = 23;

/** English text of about `tokens` tokens. `label` makes it differ from all other texts in its first words. */
export function benchText(label: string, tokens: number): string {
  const lines = [`Notes ${label}.`];
  for (let i = 0; i * tokensPerSentence < tokens; i += 1) lines.push(`${i + 1}. ${sentences[i % sentences.length]}`);
  return lines.join(" ");
}

/** Each is one token after a space, with the tokenizers in use. */
const words = (
  "time year people way day man thing woman life child world school state family student group country problem hand " +
  "part place case week company system program question work government number night point home water room mother " +
  "area money story fact month lot right study book eye job word business issue side kind head house service friend"
).split(" ");

/** A text of `tokens` random tokens: no two texts share a beginning of a block's length. */
export function randomWords(tokens: number): string {
  return Array.from({ length: tokens }, () => ` ${words[Math.floor(Math.random() * words.length)]}`).join("");
}

/** Pseudo-random numbers in [0, 1), the same for the same seed: Mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
