/** One comparison of EXP-005. `raw` prompts are encoded as they are; `chat` ones go through the model's template. */
export interface ReferencePrompt {
  readonly name: string;
  readonly kind: "raw" | "chat";
  readonly text: string;
  readonly maxTokens: number;
}

const aboutHarbours =
  "The harbour of the old town was built in three parts. The first part, a long wall of grey stone, was made to break " +
  "the waves that come from the west in winter. The second part is a basin for small boats, with steps that lead down " +
  "to the water on every side. The third part was added a hundred years later, when larger ships began to call: a deep " +
  "quay with two cranes, a customs house, and a row of sheds where grain and timber were kept dry. ";

const parserCode = `export function readNumber(text: string, at: number): { value: number; next: number } {
  let next = at;
  while (next < text.length && text[next] >= "0" && text[next] <= "9") next += 1;
  if (next === at) throw new Error("a number was expected at " + at);
  return { value: Number(text.slice(at, next)), next };
}

export function readList(text: string, at: number): { values: number[]; next: number } {
  const values: number[] = [];
`;

/** Raw and chat, Unicode, code, numbers, white space, short and long. */
export const exp005Prompts: readonly ReferencePrompt[] = [
  { name: "hello", kind: "raw", text: "Hello", maxTokens: 20 },
  { name: "once upon a time", kind: "raw", text: "Once upon a time, in a village by the sea,", maxTokens: 24 },
  { name: "python function", kind: "raw", text: "def fibonacci(n):\n    ", maxTokens: 24 },
  { name: "typescript file", kind: "raw", text: parserCode, maxTokens: 24 },
  { name: "json", kind: "raw", text: '{"name": "resident", "version": "0.1.0", "scripts": {', maxTokens: 20 },
  { name: "accents", kind: "raw", text: "Le café près de la gare est fermé à Noël. L'été,", maxTokens: 20 },
  { name: "cyrillic and greek", kind: "raw", text: "Москва — столица России. Αθήνα είναι", maxTokens: 20 },
  { name: "chinese and emoji", kind: "raw", text: "你好，世界 🌍🚀 means", maxTokens: 20 },
  { name: "digits", kind: "raw", text: "1, 2, 3, 5, 8, 13, 21, 34, 55,", maxTokens: 20 },
  { name: "white space", kind: "raw", text: "a\n\n\n  b\t\tc    d\r\ne", maxTokens: 20 },
  { name: "one long paragraph", kind: "raw", text: aboutHarbours, maxTokens: 24 },
  { name: "capital", kind: "chat", text: "What is the capital of France?", maxTokens: 24 },
  { name: "list", kind: "chat", text: "Name three primary colours.", maxTokens: 24 },
  { name: "explain", kind: "chat", text: "Explain in one sentence what a cache is.", maxTokens: 32 },
  { name: "code question", kind: "chat", text: "Write a Python function that adds two numbers.", maxTokens: 32 },
  { name: "unicode question", kind: "chat", text: "Translate 'guten Morgen, schöne Grüße' to English.", maxTokens: 20 },
  {
    name: "long question",
    kind: "chat",
    text: `${aboutHarbours}\n\nWhat was added a hundred years later?`,
    maxTokens: 24,
  },
];
