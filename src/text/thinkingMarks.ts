import { endOfSpaces } from "./whiteSpace";

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

/** What opens a thought and what closes it, as templates write it. */
const writtenPairs = [
  ...thinkingPairs.map(({ open, close }) => ({ open: open === "<|channel>" ? "<|channel>thought" : open, close })),
  { open: "<|channel|>analysis<|message|>", close: "<|end|>" },
];

/**
 * Whether the template has written `thought` (readable, marked text) at `at`: between its marks, of which the first may
 * stand before `at`, and white space.
 */
export function beginsWithThought(text: string, at: number, thought: string): boolean {
  const from = endOfSpaces(text, at);
  const opens = writtenPairs.find(({ open }) => text.startsWith(open, from));
  const start = opens === undefined ? from : endOfSpaces(text, from + opens.open.length);
  if (!text.startsWith(thought, start)) return false;
  const end = endOfSpaces(text, start + thought.length);
  return (opens === undefined ? writtenPairs : [opens]).some(({ close }) => text.startsWith(close, end));
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
