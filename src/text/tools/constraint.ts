import { InvalidRequestError } from "../../common/errors";
import type { ToolMode, ToolSpec, Unconstrained } from "../../common/tools";
import { type CallGrammar, callGrammar, callsOf } from "./callGrammar";
import {
  choice,
  type Expression,
  Grammar,
  literal,
  noneOf,
  notChars,
  nothing,
  optional,
  repeat,
  sequence,
} from "./ebnf";
import { openers, type ToolFormat } from "./formats";
import { shapeOf } from "./schemaReader";
import { shapedTool } from "./shapedTool";
import {
  anyText,
  type Format,
  noText,
  or,
  structuralTag,
  type Tag,
  type ThoughtMarks,
  thoughtFirst,
} from "./structuralTag";
import { beginningOtherThan } from "./textGrammar";
import { jsonDialect } from "./valueDialects";
import { ValueGrammar } from "./valueGrammar";

/** A grammar's text, in the form that the device's compiler reads. */
export interface ConstraintText {
  readonly kind: "structuralTag";
  readonly text: string;
}

export interface Constraint {
  readonly grammar: ConstraintText;
  /** What an answer may be although the schemas say otherwise. */
  readonly unconstrained: readonly Unconstrained[];
}

export interface ConstrainedAnswer extends ThoughtMarks {
  readonly format: ToolFormat;
  /** Their names are letters, digits, `_`, `-` and `.`. */
  readonly tools: readonly ToolSpec[];
  /** "required": the answer is calls, behind its thought. "auto": text, and calls wherever one is opened. */
  readonly mode: Exclude<ToolMode, "none" | "words">;
}

/** In code units. Bounds the time and the memory of the compiler too. */
const mostText = 400_000;

/**
 * What an answer may be so that its calls are calls of these tools with arguments that fit their schemas. `undefined`:
 * there are no tools. The same tools give the same text. Throws InvalidRequestError where the tools are too large.
 */
export function constraintOf(asked: ConstrainedAnswer): Constraint | undefined {
  if (asked.tools.length === 0) return undefined;
  for (const isLoose of [false, true]) {
    const unconstrained: Unconstrained[] = [];
    const format = answerFormat(asked, (grammar) =>
      callGrammar(
        grammar,
        asked.format,
        asked.tools.map((tool) => shapedTool(tool, isLoose, (one) => void unconstrained.push(one))),
      ),
    );
    const text = structuralTag(thoughtFirst(format, asked));
    if (text.length <= mostText) return { grammar: { kind: "structuralTag", text }, unconstrained };
  }
  throw new InvalidRequestError(
    `a grammar of ${asked.tools.length} tools is larger than ${mostText} letters`,
    "offer fewer tools",
    { tools: asked.tools.length },
  );
}

/** The whole answer behind its thought is one JSON value that fits the schema. Throws as `constraintOf`. */
export function constraintOfSchema(schema: unknown, marks: ThoughtMarks = {}): Constraint {
  const unconstrained: Unconstrained[] = [];
  const shaped = shapeOf(schema);
  const grammar = new Grammar();
  const values = new ValueGrammar(grammar, jsonDialect(), shaped, (what) => unconstrained.push({ path: "", what }));
  grammar.set("root", sequence(values.value(shaped.shape)));
  const text = structuralTag(thoughtFirst({ type: "grammar", grammar: grammar.text() }, marks));
  if (text.length > mostText) {
    throw new InvalidRequestError(
      `the grammar of this JSON schema is larger than ${mostText} letters`,
      "use a smaller schema",
      { letters: text.length },
    );
  }
  return { grammar: { kind: "structuralTag", text }, unconstrained: [...shaped.loosened, ...unconstrained] };
}

/** White space, and what calls and JSON begin with in any form. */
const noBeginning = [..." \n\r\t{}[]()<>`\"',;:.!?=/\\|&"];

/** The answer behind its thought begins with a word, or a sign of a list. */
export function constraintOfWords(marks: ThoughtMarks = {}): Constraint {
  const grammar = new Grammar();
  grammar.set("root", sequence(noneOf(noBeginning), repeat(notChars(""), 0)));
  const text = structuralTag(thoughtFirst({ type: "grammar", grammar: grammar.text() }, marks));
  return { grammar: { kind: "structuralTag", text }, unconstrained: [] };
}

type MakeCalls = (grammar: Grammar) => CallGrammar;

/** The answer behind its thought. */
function answerFormat({ format, mode, tools }: ConstrainedAnswer, make: MakeCalls): Format {
  if (format.shape === "harmony") return harmonyAnswer(mode, make);
  if (format.open !== "") return markedAnswer(format, mode, make);
  return unmarkedAnswer(format, mode, tools, make);
}

/** Calls stand in blocks that begin with a mark. Where no call must be made, nothing holds before a mark. */
function markedAnswer(format: ToolFormat, mode: ConstrainedAnswer["mode"], make: MakeCalls): Format {
  const [list, listEnd] = brackets(format);
  const grammar = new Grammar();
  const calls = make(grammar);
  grammar.set("root", callsOf(calls));
  const content: Format = { type: "grammar", grammar: grammar.text(marksIn(format)) };
  const tagAt = (open: string): Tag => ({
    begin: open + format.inside + list + calls.before,
    content,
    end: calls.behind + listEnd + format.behind + format.close,
  });
  if (mode === "required") {
    const { open, betweenBlocks: separator = "" } = format;
    const isOne = format.betweenBlocks === undefined;
    return { type: "tags_with_separator", tags: [tagAt(open)], separator, at_least_one: true, stop_after_first: isOne };
  }
  const triggers = openers(format);
  return {
    type: "triggered_tags",
    triggers,
    tags: triggers.map(tagAt),
    at_least_one: false,
    stop_after_first: false,
  };
}

/** An answer is calls from its first byte on, perhaps behind a mark, or it is no call at all. */
function unmarkedAnswer(
  format: ToolFormat,
  mode: ConstrainedAnswer["mode"],
  tools: readonly ToolSpec[],
  make: MakeCalls,
): Format {
  const [list, listEnd] = brackets(format);
  const grammar = new Grammar();
  const calls = make(grammar);
  const marks = format.alsoOpen;
  const mark: Expression = marks.length === 0 ? nothing : optional(choice(...marks.map(literal)));
  const answer = sequence(mark, literal(list + calls.before), callsOf(calls), literal(calls.behind + listEnd));
  const begin = list + calls.before;
  const behindName = format.shape === "pythonic" ? "(" : '"';
  const words = [...marks, ...tools.map(({ name }) => begin + name + behindName)];
  const text = sequence(beginningOtherThan(grammar, words), repeat(notChars(""), 0));
  grammar.set("root", mode === "required" ? answer : choice(answer, text));
  return { type: "grammar", grammar: grammar.text(marksIn(format)) };
}

/** A message to a function: its header begins with one of two marks, by where the recipient stands. A call ends the answer. */
function harmonyAnswer(mode: ConstrainedAnswer["mode"], make: MakeCalls): Format {
  const grammar = new Grammar();
  const calls = make(grammar);
  grammar.set("root", callsOf(calls));
  const content: Format = { type: "grammar", grammar: grammar.text() };
  const trigger = `<|channel|>commentary${calls.before}`;
  const answer: Format = {
    type: "triggered_tags",
    triggers: [trigger],
    tags: [{ begin: trigger, content, end: calls.behind }],
    at_least_one: mode === "required",
    stop_after_first: true,
  };
  if (mode !== "required") return answer;
  const analysis = anyText("<|channel|>analysis<|message|>", "<|end|><|start|>assistant");
  return { type: "sequence", elements: [or(analysis, noText), answer] };
}

function brackets(format: ToolFormat): readonly [string, string] {
  const isList = (format.shape === "json" || format.shape === "pythonic") && format.isList;
  return isList ? ["[", "]"] : ["", ""];
}

/** Marks that stand among the rules. */
function marksIn(format: ToolFormat): readonly string[] {
  if (format.shape === "gemma") return [...openers(format), format.quote];
  return format.shape === "taggedJson" ? [...openers(format), format.callId, format.behindName] : openers(format);
}
