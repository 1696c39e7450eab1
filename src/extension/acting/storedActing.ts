/** What is read back from disk may be anything: other versions wrote it, or a crash cut it. */
import type { Checkpoint, JournalEntry, LeftQuestion } from "../../acting/ports";
import type { AgentId } from "../../protocol/service";

export function isJournal(value: unknown): value is readonly JournalEntry[] {
  return Array.isArray(value) && value.every(isEntry);
}

function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value) || typeof value["call"] !== "string") return false;
  const { result, delegate } = value;
  if (delegate !== undefined && !isText(delegate)) return false;
  return result === undefined || (isObject(result) && typeof result["text"] === "string");
}

export function isCheckpoint(value: unknown): value is Checkpoint {
  if (!isObject(value)) return false;
  const { turn, call, folder, path, before, after } = value;
  return (
    [turn, call, folder, path].every(isText) &&
    [before, after].every((digest) => digest === undefined || isText(digest))
  );
}

/** Agents that answer a message in several ways, with their forks. */
export type StoredWays = readonly (readonly [agent: AgentId, forks: readonly AgentId[]])[];

export function isStoredWays(value: unknown): value is StoredWays {
  return Array.isArray(value) && value.every((one) => Array.isArray(one) && isText(one[0]) && isTexts(one[1]));
}

/** A question of an agent that waited for the person. */
export type StoredQuestion = LeftQuestion & { readonly agent: AgentId };

export function isStoredQuestion(value: unknown): value is StoredQuestion {
  if (!isObject(value)) return false;
  const { agent, call, hasBegun } = value;
  return isText(agent) && isText(call) && (hasBegun === undefined || typeof hasBegun === "boolean");
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}

function isText(value: unknown): boolean {
  return typeof value === "string";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
