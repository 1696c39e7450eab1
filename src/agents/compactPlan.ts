/** Compacting a conversation: which turns are kept, where the summary is asked for, and the branch that it begins. */
import { InvalidRequestError, ResidentError } from "../common/errors";
import { createFormats } from "../common/format";
import { userInput } from "../common/messages";
import type { SummaryMark, TurnFigures, TurnId } from "../protocol/service";
import type { PromptBuilder, PromptFrame } from "../text/prompt";
import { Conversation } from "./conversation";
import type { LiveAgent } from "./liveAgent";
import { answeredTurns, copiesBehind } from "./startOver";
import { summaryAnswer, summaryMessage, summaryRequest } from "./summaryText";
import type { TurnRecord } from "./turnRecords";
import { countTokens, type Turn, TurnTree } from "./turnTree";

export interface CompactPlan {
  /** The turn behind which the summary is asked for. */
  readonly behind: TurnId;
  /** Nodes of the turns that are kept. */
  readonly kept: readonly Turn[];
  readonly mark: SummaryMark;
  /** Most tokens of the answer with the summary. */
  readonly maxTokens: number;
  readonly request: string;
}

/** The conversation as a model here reads it. */
export interface ReadBy {
  readonly frame: PromptFrame;
  readonly prompts: PromptBuilder;
  readonly contextTokens: number;
}

const longestSummary = 1024;
const shortestSummary = 16;
/** A summary has this part of the context. */
const summaryShare = 1 / 8;
/** And at most this part of what was said so far. */
const mostOfHistory = 1 / 2;
/** A thought comes before it, where the model thinks. */
const thoughtPerSummary = 2;
/** The new branch leaves the rest of the context for what comes. */
const newBranchShare = 3 / 4;

const noIds = new Int32Array(0);
const { count } = createFormats("en");

/**
 * The plan for an agent that keeps the last `turns` turns of its branch, or fewer: at least one turn is summarised, and the new
 * branch leaves a quarter of the context free. The summary is asked for behind the newest step that leaves room for it.
 * Without `readBy` no lengths are known. Throws INVALID_REQUEST and CONTEXT_FULL.
 */
export async function planCompaction(
  { tree, conversation, head }: Pick<LiveAgent, "tree" | "conversation" | "head">,
  { turns: wanted, contextTokens }: { readonly turns: number; readonly contextTokens: number },
  readBy?: ReadBy,
): Promise<CompactPlan> {
  const turns = answeredTurns(tree, head);
  if (!Number.isInteger(wanted) || wanted < 0) {
    throw new InvalidRequestError(`${wanted} turns cannot be kept`, "keep 0, 1, 2 … of them", { turns: wanted });
  }
  const nodes = turns.flat();
  const newest = nodes.at(-1);
  if (newest === undefined) {
    throw new InvalidRequestError("there is no answered turn to summarise", "send a message first", { turns: 0 });
  }
  const tokens = summaryTokens(contextTokens, countTokens(tree, newest.id));
  const thoughtTokens = nodes.some(({ thought }) => thought !== "") ? tokens * thoughtPerSummary : 0;
  const maxTokens = tokens + thoughtTokens;
  const request = summaryRequest(tokens);
  const most = Math.min(wanted, turns.length - 1);
  const behind =
    readBy === undefined ? newest.id : await newestWithRoom(conversation, nodes, request, maxTokens, readBy);
  const keep = readBy === undefined ? most : await keptTurns(tree, turns, most, tokens, readBy);
  const replaced = turns.length - keep;
  const summarised = turns.filter((steps) => isReached(steps, nodes, behind)).length;
  const leftOut = Math.max(0, replaced - summarised);
  const mark = { turns: replaced, ...(leftOut === 0 ? {} : { leftOut }) };
  return { behind, kept: turns.slice(replaced).flat(), mark, maxTokens, request };
}

/** Most tokens of a summary; 0: that length is not known. */
function summaryTokens(contextTokens: number, historyTokens: number): number {
  const shares = [contextTokens * summaryShare, historyTokens * mostOfHistory].filter((share) => share > 0);
  return Math.max(shortestSummary, Math.floor(Math.min(longestSummary, ...shares)));
}

/** The newest step behind which request and summary fit the context. */
async function newestWithRoom(
  conversation: Conversation,
  nodes: readonly Turn[],
  request: string,
  maxTokens: number,
  { frame, prompts, contextTokens }: ReadBy,
): Promise<TurnId> {
  let needed = 0;
  for (const { id } of [...nodes].reverse()) {
    needed = (await conversation.sizeWith(id, { text: request }, frame, prompts)).promptTokens + maxTokens;
    if (needed <= contextTokens) return id;
  }
  throw new ResidentError(
    "CONTEXT_FULL",
    `the first step fills the model's context of ${count(contextTokens)} tokens: there is no room to ask for a summary`,
    "keep the last turns only, or start a new agent",
    { needed, context: contextTokens, kept: needed - maxTokens, cause: "history" },
  );
}

/** How many of the last turns, at most `most`, leave room behind a summary of `tokens` tokens. */
async function keptTurns(
  tree: TurnTree,
  turns: readonly (readonly Turn[])[],
  most: number,
  tokens: number,
  readBy: ReadBy,
): Promise<number> {
  for (let keep = most; keep > 0; keep -= 1) {
    const nodes = turns.slice(-keep).flat();
    const needed = await branchTokens(copiesBehind(nodes, tree.nextIds(nodes.length), undefined, 0), readBy);
    if (needed + tokens <= readBy.contextTokens * newBranchShare) return keep;
  }
  return 0;
}

/** Tokens of an empty message behind a branch that is read as text. */
export async function branchTokens(records: readonly TurnRecord[], { frame, prompts }: ReadBy): Promise<number> {
  const tree = new TurnTree();
  for (const record of records) tree.apply(record);
  const size = await new Conversation(tree).sizeWith(records.at(-1)?.turn, { text: "" }, frame, prompts);
  return size.promptTokens;
}

/** All steps of the turn are in the history up to `behind`. */
function isReached(steps: readonly Turn[], nodes: readonly Turn[], behind: TurnId): boolean {
  const last = steps.at(-1);
  return last !== undefined && nodes.indexOf(last) <= nodes.findIndex(({ id }) => id === behind);
}

/** The new branch: the summary as a turn of its own, then copies of the turns that are kept. */
export function compactedBranch(
  tree: TurnTree,
  { kept, mark }: CompactPlan,
  summary: { readonly text: string; readonly isCut: boolean; readonly figures: TurnFigures },
  at: number,
): readonly TurnRecord[] {
  const [turn = "", ...ids] = tree.nextIds(1 + kept.length);
  const input = userInput(summaryMessage(summary.text, summary.isCut, mark));
  return [
    { type: "turn", turn, input, at, summary: mark },
    { type: "answer", turn, text: summaryAnswer, ids: noIds },
    { type: "end", turn, state: "done", finishReason: "stop", figures: summary.figures },
    ...copiesBehind(kept, ids, turn, at),
  ];
}
