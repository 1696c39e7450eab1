/** Words between which models think. Each pair is two tokens of the vocabularies that have it. */
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

const beginsHarmony = /^<\|(?:start|channel)\|>/;
const harmonyMarks = /<\|start\|>[^<]*|<\|channel\|>[^<]*(?:<\|message\|>)?|<\|message\|>|<\|end\|>/g;

/** The thought in everything that was said before an answer: without its marks and the white space around it. */
export function readableThought(hidden: string): string {
  let text = hidden.trim();
  for (const { open, close } of thinkingPairs) {
    if (text.startsWith(open))
      text = text.slice(open.length).replace(open === "<|channel>" ? /^[^\n]*(?:\n|$)/ : "", "");
    if (text.endsWith(close)) text = text.slice(0, -close.length);
  }
  return (beginsHarmony.test(text) ? text.replace(harmonyMarks, "") : text).trim();
}
