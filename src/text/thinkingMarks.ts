/** Words between which models think. Each pair is a token of its own in the vocabularies that have it. */
export const thinkingPairs: readonly { readonly open: string; readonly close: string }[] = [
  { open: "<think>", close: "</think>" },
  { open: "<|channel>", close: "<channel|>" },
  { open: "[THINK]", close: "[/THINK]" },
  { open: "<seed:think>", close: "</seed:think>" },
  { open: "<longcat_think>", close: "</longcat_think>" },
  { open: "<|think:start|>", close: "<|think:end|>" },
];

export function isThinkingMark(word: string): boolean {
  return thinkingPairs.some(({ open, close }) => word === open || word === close);
}
