import type { ChatBranch, ChatModelFacts, ChatSnapshot, EditorSelection, MessageDraft } from "../../protocol/chat";
import type { ActingSnapshot } from "../../protocol/chatActing";
import type { FilesSnapshot } from "../../protocol/chatFiles";
import type { AgentDetail, AgentSummary, EngineState, TurnId, TurnView } from "../../protocol/service";
import { isStep } from "../../protocol/turnSteps";
import type { TurnFactsOf } from "../acting/turnFacts";
import { pageEngine, pageTurn, readOnlyProblem } from "../pages/pageModel";
import type { RunState } from "../pages/runFollower";

export interface ChatView {
  readonly language: string;
  readonly engine: EngineState;
  /** The running answer of the head's turn. */
  readonly run?: RunState;
  readonly selection?: EditorSelection | undefined;
  /** What was written and not sent. */
  readonly draft?: MessageDraft | undefined;
  readonly hasOtherAgents: boolean;
  readonly modelFacts?: ChatModelFacts | undefined;
  /** What this window knows of the calls of turns. */
  readonly facts?: TurnFactsOf | undefined;
  readonly acting?: ActingSnapshot | undefined;
  readonly files?: FilesSnapshot;
}

export function chatSnapshot(detail: AgentDetail, view: ChatView): ChatSnapshot {
  return {
    settings: { language: view.language },
    agent: summaryOf(detail),
    system: detail.system,
    engine: pageEngine(view.engine),
    starts: [...(view.hasOtherAgents ? (["forkAnother"] as const) : []), "editInstructions", "chooseModel"],
    ...(view.modelFacts && { modelFacts: view.modelFacts }),
    ...(view.selection && { selection: view.selection }),
    ...(view.draft && { draft: view.draft }),
    ...view.files,
    ...agentParts(detail),
    ...view.acting,
    ...chatBranch(detail, view),
  };
}

export function agentParts(agent: AgentDetail): Pick<ChatSnapshot, "readOnly" | "contextParts"> {
  const readOnly = readOnlyProblem(agent);
  const { contextParts } = agent;
  return { ...(readOnly && { readOnly }), ...(contextParts && { contextParts }) };
}

export function chatBranch(detail: AgentDetail, view: Pick<ChatView, "language" | "run" | "facts">): ChatBranch {
  return {
    turns: detail.turns.map((turn, index) => ({
      ...pageTurn(turn, view.language, view.run, detail.turns[index - 1]),
      ...view.facts?.(turn, detail.turns[index + 1]),
    })),
    branches: detail.branches,
  };
}

/** A short description of the turns that a page shows: to compare two of them costs the same for long conversations. */
export interface ShownBranch {
  readonly head: TurnId | undefined;
  readonly turnCount: number;
  readonly branches: number;
  /** What a page shows of the last turn in addition to its text. */
  readonly mark: string;
}

/** How many turns are read to find out whether the branch continues the one that is shown. */
export const newestTurns = 2;

export function shownBranch({ turns, turnCount, branchCount }: AgentDetail): ShownBranch {
  const head = turns.at(-1);
  const mark = head ? `${head.state} ${head.saveError?.code ?? ""}` : "";
  return { head: head?.id, turnCount, branches: branchCount, mark };
}

/** Whether the page shows the turns of `now` already. */
export function isShown(shown: ShownBranch, now: ShownBranch): boolean {
  return shown.mark === now.mark && shown.head === now.head && sameBranches(shown, now, 0);
}

/**
 * The turn that brings a page with the branch `shown` up to date; nothing where the whole branch is needed. What comes
 * before a turn never changes.
 */
export function newTurn(shown: ShownBranch, detail: AgentDetail): TurnView | undefined {
  const now = shownBranch(detail);
  const isChange = shown.head === now.head && sameBranches(shown, now, 0);
  const last = detail.turns.at(-1);
  // A further step is a part of the same turn.
  const grownBy = last !== undefined && isStep(last) ? 0 : 1;
  const isNext = shown.head === detail.turns.at(-2)?.id && sameBranches(shown, now, grownBy);
  return isChange || isNext ? last : undefined;
}

function sameBranches(shown: ShownBranch, now: ShownBranch, grownBy: number): boolean {
  return now.turnCount === shown.turnCount + grownBy && now.branches === shown.branches;
}

/** The summary's fields of the detail: pages get the others in other messages. */
export function summaryOf(detail: AgentDetail): AgentSummary {
  const { system: _system, turns: _turns, branches: _branches, branchCount: _branchCount, ...rest } = detail;
  const { contextParts: _contextParts, ...summary } = rest;
  return summary;
}
