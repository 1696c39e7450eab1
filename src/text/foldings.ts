/**
 * What other programs send is not always what a template takes: several system messages, two messages of one role in a
 * row, an answer first, several calls at once, results of calls that are not there. A template that refuses the messages as they are is given
 * them in another form, with as few changes as possible.
 */
import type { JsonObject } from "./json";
import type { TemplateMessage } from "./messages";
import { callsInContent, isResult, resultInUser } from "./toolFoldings";

type Messages = readonly TemplateMessage[];

/** `undefined`: there is nothing to change. */
type Folding = (messages: Messages) => Messages | undefined;

/** In the order in which several are done. Alone and in pairs, the last ones are tried first. */
const foldings: readonly Folding[] = [
  callsAsText,
  callsOneByOne,
  orphansAsText,
  systemsToFront,
  foldSystem,
  questionFirst,
  neighboursJoined,
];

/** Forms of the messages for a template that refuses them as they are, the mildest first. */
export function* foldedForms(messages: Messages): Generator<Messages> {
  for (let count = 1; count <= foldings.length; count += 1) {
    for (const chosen of choices(foldings.length, count)) {
      let folded: Messages | undefined = messages;
      for (const index of chosen) folded = folded && foldings[index]?.(folded);
      if (folded !== undefined) yield folded;
    }
  }
}

/** For templates that refuse a system message: it goes before the first user message, as their models were trained. */
export function foldSystem([system, ...others]: Messages): Messages | undefined {
  if (system?.role !== "system") return undefined;
  const [user, ...rest] = others;
  if (user?.role !== "user") return [{ role: "user", content: system.content }, ...others];
  return [{ role: "user", content: together(system, user) }, ...rest];
}

/** One system message, at the front. */
function systemsToFront(messages: Messages): Messages | undefined {
  const systems = messages.filter(({ role }) => role === "system");
  if (systems.length === 0 || (systems.length === 1 && messages[0]?.role === "system")) return undefined;
  const content = systems.map((system) => system.content ?? "").join("\n\n");
  return [{ role: "system", content }, ...messages.filter(({ role }) => role !== "system")];
}

/** A conversation that begins with an answer gets something that was answered. */
function questionFirst(messages: Messages): Messages | undefined {
  const at = messages.findIndex(({ role }) => role !== "system");
  const first = messages[at];
  if (first === undefined || first.role === "user") return undefined;
  return [...messages.slice(0, at), { role: "user", content: "(The beginning is missing.)" }, ...messages.slice(at)];
}

function neighboursJoined(messages: Messages): Messages | undefined {
  const joined: TemplateMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    const canJoin = last?.role === message.role && !isResult(message) && last.tool_calls === undefined;
    if (canJoin) joined[joined.length - 1] = { ...last, ...message, content: together(last, message) };
    else joined.push(message);
  }
  return joined.length === messages.length ? undefined : joined;
}

/** Results that no answer right before them asked for. */
function orphansAsText(messages: Messages): Messages | undefined {
  const asked = new Set<unknown>();
  let isChanged = false;
  const folded = messages.map((message) => {
    if (!isResult(message)) {
      asked.clear();
      for (const { id } of message.tool_calls ?? []) asked.add(id);
      return message;
    }
    if (asked.delete(message.tool_call_id)) return message;
    isChanged = true;
    return resultInUser(message);
  });
  return isChanged ? folded : undefined;
}

/** Several calls of one answer as several answers, each with its results. */
function callsOneByOne(messages: Messages): Messages | undefined {
  if (!messages.some(({ tool_calls: calls = [] }) => calls.length > 1)) return undefined;
  const folded: TemplateMessage[] = [];
  let waiting: TemplateMessage[] = [];
  for (const message of messages) {
    const { tool_calls: calls = [] } = message;
    const asked = waiting.findIndex((answer) => isAskedBy(message, answer));
    // The answers up to the one that asked for the result come before it.
    if (isResult(message)) folded.push(...waiting.splice(0, asked + 1), message);
    else {
      folded.push(...waiting);
      const isSplit = calls.length > 1;
      waiting = isSplit ? calls.map((call, index) => withOneCall(message, call, index === 0)) : [];
      if (!isSplit) folded.push(message);
    }
  }
  return [...folded, ...waiting];
}

function withOneCall(answer: TemplateMessage, call: JsonObject, isFirst: boolean): TemplateMessage {
  if (isFirst) return { ...answer, tool_calls: [call] };
  return { role: "assistant", content: answer.content === null ? null : "", tool_calls: [call] };
}

function isAskedBy({ tool_call_id: id }: TemplateMessage, { tool_calls: calls = [] }: TemplateMessage): boolean {
  return id !== undefined && calls.some((call) => call["id"] === id);
}

/** All calls and results. */
function callsAsText(messages: Messages): Messages | undefined {
  if (!messages.some((message) => isResult(message) || message.tool_calls !== undefined)) return undefined;
  return messages.map((message) => {
    if (isResult(message)) return resultInUser(message);
    return message.tool_calls === undefined ? message : callsInContent(message);
  });
}

function together(first: TemplateMessage, second: TemplateMessage): string {
  return [first.content, second.content].filter((text) => text !== null && text !== "").join("\n\n");
}

/** All ascending choices of `count` out of 0 … `size` − 1, those of the highest numbers first. */
function choices(size: number, count: number): readonly (readonly number[])[] {
  if (count === 0) return [[]];
  const all: (readonly number[])[] = [];
  for (let last = size - 1; last >= count - 1; last -= 1) {
    for (const others of choices(last, count - 1)) all.push([...others, last]);
  }
  return all;
}
