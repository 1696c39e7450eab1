/** Answers as xgrammar's structural tags: its JSON, of the kinds of format that all its versions have. */

export interface Tag {
  readonly begin: string;
  readonly content: Format;
  readonly end: string;
}

export type Format =
  | { readonly type: "grammar"; readonly grammar: string }
  | { readonly type: "any_text" }
  | ({ readonly type: "tag" } & Tag)
  | { readonly type: "sequence" | "or"; readonly elements: readonly Format[] }
  /** Any text until a trigger, which begins one of the tags. `at_least_one`: a tag comes first. */
  | {
      readonly type: "triggered_tags";
      readonly triggers: readonly string[];
      readonly tags: readonly Tag[];
      readonly at_least_one: boolean;
      readonly stop_after_first: boolean;
    }
  /** Tags only, with the separator between them. */
  | {
      readonly type: "tags_with_separator";
      readonly tags: readonly Tag[];
      readonly separator: string;
      readonly at_least_one: boolean;
      readonly stop_after_first: boolean;
    };

export function structuralTag(format: Format): string {
  return JSON.stringify({ type: "structural_tag", format });
}

export function or(...elements: readonly Format[]): Format {
  return { type: "or", elements };
}

/** Any text between two marks. */
export function anyText(begin: string, end: string): Format {
  return { type: "tag", begin, content: { type: "any_text" }, end };
}

/** An empty text. */
export const noText: Format = { type: "grammar", grammar: 'root ::= ""\n' };
const lineEnds: Format = { type: "grammar", grammar: "root ::= [\\u0020\\u000a]{0,4}\n" };

export interface ThoughtMarks {
  /** The model's marks around its thoughts. Nothing holds within them. */
  readonly thought?: { readonly open: string; readonly close: string };
  /** The prompt ends inside a thought. */
  readonly startsInThought?: boolean;
}

/** The answer behind a thought: the one that the prompt began, or perhaps one. Behind its end there may be line ends. */
export function thoughtFirst(answer: Format, { thought, startsInThought = false }: ThoughtMarks): Format {
  if (thought === undefined) return answer;
  const { open, close } = thought;
  const first = startsInThought ? anyText("", close) : or(anyText(open, close), noText);
  return { type: "sequence", elements: [first, lineEnds, answer] };
}
