/** What the chat's views derive from its state. Pure. */
import type { ActingState } from "../../protocol/acting";
import type { ChatSnapshot } from "../../protocol/chat";
import type { PageTurn } from "../../protocol/page";
import type { TurnId } from "../../protocol/service";
import { pageResultLength } from "../../protocol/turnSteps";
import { engineBlocks } from "../shared/engineNotice";
import { cacheSource } from "../shared/figures";

/** From here on the meter shows what is left, in the warning colour. */
export const nearlyFull = 0.9;

export interface ContextUse {
  readonly used: number;
  readonly total: number;
  readonly level: "open" | "near" | "full";
}

/** Of results that a search brings into the page as a whole: their number, and their length in UTF-16 units. */
const mostSearched = 200;
const mostSearchedLength = 2_000_000;

/** The results of which the page has only the beginning, the newest first, as far as a search can wait for them. */
export function resultsToSearch({ turns }: Pick<ChatSnapshot, "turns">) {
  const found: { readonly type: "showResult"; readonly turn: TurnId; readonly call: string }[] = [];
  let left = mostSearchedLength;
  for (const { id, results = [] } of [...turns].reverse()) {
    for (const { call, length, text } of results) {
      if (length === undefined || length > pageResultLength || text.length >= length) continue;
      left -= length;
      if (left < 0 || found.length >= mostSearched) return found;
      found.push({ type: "showResult", turn: id, call });
    }
  }
  return found;
}

/** Only the head's turn can run. */
export function runningTurn({ turns }: ChatSnapshot): PageTurn | undefined {
  const last = turns.at(-1);
  return last?.state === "running" ? last : undefined;
}

/** An answer runs, or calls of the last one do: Escape stops them. What waits for the person does not count. */
export function isBusy(snapshot: ChatSnapshot): boolean {
  return runningTurn(snapshot) !== undefined || runningCalls(snapshot.acting) > 0 || snapshot.ways?.isOpen === false;
}

export function runningCalls(acting: ActingState | undefined): number {
  return acting?.calls.filter(({ state }) => state === "running").length ?? 0;
}

/** Tokens in the context, those of the running turn included. */
export function contextUse(snapshot: ChatSnapshot): ContextUse {
  const { tokens, contextTokens: total } = snapshot.agent;
  const used = Math.max(tokens, tokensSoFar(runningTurn(snapshot)));
  if (total === 0) return { used, total, level: "open" };
  return { used, total, level: used >= total ? "full" : used >= total * nearlyFull ? "near" : "open" };
}

function tokensSoFar(turn: PageTurn | undefined): number {
  if (turn?.figures) return turn.figures.promptTokens + turn.figures.generatedTokens;
  return turn?.progress?.type === "prefill" ? turn.progress.reused + turn.progress.done : 0;
}

/** Why no message can be sent now, one sentence. */
export function sendBlocked(snapshot: ChatSnapshot): string | undefined {
  if (snapshot.readOnly) return "This agent is read only here.";
  if (runningTurn(snapshot)) return "Available when the answer has ended.";
  if (snapshot.ways) return "Choose one of the answers first.";
  if (runningCalls(snapshot.acting) > 0) return "Available when its calls have ended.";
  // A server needs no engine here.
  return snapshot.agent.server === undefined ? engineBlocks(snapshot.engine) : undefined;
}

/** What a turn is doing or how it ended, for its label. `isHead`: nothing follows it. */
export function turnStage(turn: PageTurn, isHead: boolean): string | undefined {
  switch (turn.state) {
    case "running":
      if (turn.answer !== "" || turn.calls !== undefined) return "answering";
      if (turn.thought !== undefined) return "thinking";
      return turn.progress?.type === "queued" || turn.progress?.type === "waitingModel" ? "waiting" : "reading";
    case "interrupted":
      return "interrupted";
    case "failed":
      return "failed";
    case "done":
      if (turn.finishReason === "calls" && isHead) return "waits for results";
      return turn.finishReason === "aborted" ? "stopped" : undefined;
  }
}

/** The one sentence about what changed from one turn to its next form; empty when nothing worth saying did. */
export function announcement(
  name: string,
  before: PageTurn | undefined,
  after: PageTurn,
  count: (n: number) => string,
) {
  const stage = turnStage(after, true);
  if (before && stage === turnStage(before, true)) return "";
  if (stage === "failed") return ""; // the error itself is an alert
  if (after.state === "running") return `${name} is ${stage}`;
  if (before?.state !== "running") return "";
  const tokens = `${count(after.figures?.generatedTokens ?? 0)} tokens`;
  const refused = after.figures?.cache.refused ? `, ${cacheSource(after.figures).text}` : "";
  if (stage === undefined) return `Answer finished, ${tokens}${refused}`;
  return after.finishReason === "calls" ? `Answer ${stage}, ${tokens}${refused}` : `Answer ${stage}, ${tokens} kept`;
}
