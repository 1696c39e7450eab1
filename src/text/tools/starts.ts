import { closers, type HarmonyFormat, openers, type TaggedJsonFormat, type ToolFormat } from "./formats";
import { type Head, type HeadPart, matchHead, space, toolName } from "./heads";

/**
 * What ends a block: its closing mark; its last bracket; `</function>`; only the end of the answer, as for a form that
 * no mark begins; the marks of harmony's messages; nothing: it is a mark without a block.
 */
export type Ending = "mark" | "brackets" | "function" | "answer" | "message" | "nothing";

/** A way in which a block may begin in text. */
export interface Start {
  readonly head: Head;
  /** "first": where nothing was said before but calls. "line": at the beginning of a line. */
  readonly where: "any" | "line" | "first" | "behindCall";
  readonly ending: Ending;
  /** Length of the mark at its beginning, which is no part of the inside. */
  readonly markLength: number;
  /** The model writes the format's own marks. Otherwise only what is a whole call to a declared tool counts. */
  readonly isTrusted: boolean;
}

/** Symbols of JSON with any white space between them. */
const spaced = (...symbols: readonly HeadPart[]): Head =>
  symbols.flatMap((symbol, i) => (i === 0 ? [symbol] : [space, symbol]));
const quoted: Head = ['"', toolName, '"'];
const objects: readonly Head[] = [
  [...spaced("{", '"name"', ":"), space, ...quoted],
  [...spaced("{", '"function"', ":", "{", '"name"', ":"), space, ...quoted],
  [...spaced("{", '"type"', ":", '"function"', ",", '"function"', ":", "{", '"name"', ":"), space, ...quoted],
  [...spaced("{", '"type"', ":", '"function"', ",", '"name"', ":"), space, ...quoted],
];
const argumentsFirst: readonly Head[] = ["arguments", "parameters"].map((key) => spaced("{", `"${key}"`, ":", "{"));
const lists: readonly Head[] = objects.map((object) => ["[", space, ...object]);
const json: readonly Head[] = [...objects, ...lists];
const fenced: readonly Head[] = ["```json", "```", "```tool_call", "```tool_code"].flatMap((fence) => {
  return json.map((head): Head => [fence, space, ...head]);
});
const named: readonly Head[] = [">", "\n", '"', " "].map((end): Head => ["<function=", toolName, end]);
const pythonic: Head = ["[", space, toolName, space, "("];
const gemma: Head = ["call:", space, toolName, space, { oneOf: "{(" }];
const pairs: Head = [toolName, space, "<arg_key>"];
const noArguments: Head = [toolName, space, "</tool_call>"];

/**
 * The ways in which calls of `format` may begin. `isToken`: whether a mark is one token of the vocabulary. Then the same
 * mark in other tokens is text, unless a whole call follows.
 */
export function startsOf(format: ToolFormat, isToken: (mark: string) => boolean): readonly Start[] {
  const ending = endingOf(format);
  const trusted = (where: Start["where"], heads: readonly Head[]) =>
    heads.map((head) => startOf(head, where, ending, true));
  const fallback = (where: Start["where"], heads: readonly Head[], end: Ending = "answer") =>
    heads.map((head) => startOf(head, where, end, false));
  const marks = format.shape === "harmony" ? [] : openers(format);
  return [
    ...closers(format).map((mark) => startOf([mark], "behindCall", "nothing", true, mark.length)),
    ...(format.shape === "harmony" ? fallback("any", messages(format), "message") : []),
    // The prompt ends with the role, and the recipient may stand behind it.
    ...(format.shape === "harmony"
      ? fallback("first", [["to=", space, toolName, space, format.channel]], "message")
      : []),
    ...marks.flatMap((mark): readonly Start[] => {
      if (!isToken(mark)) return [startOf([mark], "any", ending, true, mark.length)];
      return insides(format).map((head) => startOf([mark, space, ...head], "any", ending, false, mark.length));
    }),
    ...(format.open === "" && format.shape === "json" ? trusted("first", [...json, ...argumentsFirst]) : []),
    ...(format.open === "" && format.shape === "pythonic" ? trusted("first", [pythonic]) : []),
    ...(format.shape === "taggedJson" ? fallback("first", namedObjects(format), "brackets") : []),
    ...(format.shape === "tagged" && format.beforeName === "" ? fallback("first", [pairs]) : []),
    ...(writesFunctions(format) ? fallback("any", named, "function") : []),
    ...(format.shape === "gemma" ? fallback("line", [gemma]) : []),
    ...(format.shape === "pythonic" ? fallback("line", [pythonic]) : []),
    ...fallback("first", argumentsFirst),
    ...fallback("line", [...json, ...fenced]),
  ];
}

/** Headers that name a declared tool, in the two orders. */
function messages({ start, role, channel }: HarmonyFormat): readonly Head[] {
  const to: Head = [space, "to=", space, toolName];
  return ["commentary", "analysis"].flatMap((name): readonly Head[] => [
    [channel, space, name, ...to],
    [start, role, channel, space, name, ...to],
    [start, role, ...to],
  ]);
}

function startOf(head: Head, where: Start["where"], ending: Ending, isTrusted: boolean, markLength = 0): Start {
  return { head, where, ending, isTrusted, markLength };
}

export function endingOf(format: ToolFormat): Ending {
  if (format.shape === "harmony") return "message";
  return format.close === "" ? "brackets" : "mark";
}

function writesFunctions(format: ToolFormat): boolean {
  return format.shape === "json" || (format.shape === "tagged" && format.beforeName !== "");
}

function namedObjects({ behindName, callId }: TaggedJsonFormat): readonly Head[] {
  return [behindName, callId].filter((mark) => mark !== "").map((mark) => [toolName, mark]);
}

/** What may stand behind an opening mark. */
function insides(format: ToolFormat): readonly Head[] {
  switch (format.shape) {
    case "json":
      return [...json, ...argumentsFirst, ...named];
    case "tagged":
      return [...(format.beforeName === "" ? [pairs, noArguments] : named), ...json];
    case "taggedJson":
      return [...namedObjects(format), [toolName, space, "{"], ...json];
    case "pythonic":
      return [pythonic, [toolName, space, "("], ...json];
    case "gemma":
      return [gemma];
    case "harmony":
      return [];
  }
}

/** Finds where a block may begin in a text that comes in pieces. */
export class StartFinder {
  private readonly firstCharacters: ReadonlySet<string>;

  constructor(
    private readonly starts: readonly Start[],
    private readonly names: readonly string[],
  ) {
    const first = starts.flatMap(({ head }) => {
      const part = head[0];
      return typeof part === "string" ? [part.charAt(0)] : ["f", ...names.map((name) => name.charAt(0))];
    });
    this.firstCharacters = new Set(first);
  }

  /**
   * The first start in `text` from `from` on, or from where on more text is needed to know (`isOpen`), or else the end
   * of the text. What is said of the place before is carried on.
   */
  find(text: string, from: number, { isFirst, isLine }: Before, isBehindCall: boolean): Found {
    let before: Before = { isFirst, isLine };
    for (let at = from; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (this.firstCharacters.has(character)) {
        let isOpen = false;
        for (const start of this.starts) {
          if (!isThere(start, before, isBehindCall)) continue;
          const match = matchHead(text, at, start.head, this.names);
          if (match.is === "yes") return { at, start, before, isOpen: false };
          isOpen ||= match.is === "maybe";
        }
        if (isOpen) return { at, start: undefined, before, isOpen };
      }
      before = behindCharacter(character, before, isBehindCall);
    }
    return { at: text.length, start: undefined, before, isOpen: false };
  }
}

/** What stands before a place. */
export interface Before {
  /** Nothing was said but calls. */
  readonly isFirst: boolean;
  /** The line is empty up to there. */
  readonly isLine: boolean;
}

export interface Found {
  readonly at: number;
  readonly start: Start | undefined;
  readonly before: Before;
  readonly isOpen: boolean;
}

function behindCharacter(character: string, before: Before, isBehindCall: boolean): Before {
  if (character === "\n") return before.isLine ? before : { ...before, isLine: true };
  if (character.trim() === "") return before;
  const isSeparator = isBehindCall && (character === ";" || character === ",");
  if (!before.isLine && !before.isFirst) return before;
  return { isFirst: before.isFirst && isSeparator, isLine: false };
}

function isThere({ where }: Start, { isFirst, isLine }: Before, isBehindCall: boolean): boolean {
  if (where === "any") return true;
  if (where === "line") return isLine || isFirst;
  return where === "first" ? isFirst : isFirst && isBehindCall;
}
