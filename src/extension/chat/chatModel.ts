import type { ChatBranch, ChatSnapshot, ChatUpdate, StartId } from "../../protocol/chat";
import type { PageTurn } from "../../protocol/page";
import type { AgentDetail, AgentSummary, EngineState } from "../../protocol/service";
import { pageEngine, pageTurn, readOnlyProblem } from "../pages/pageModel";
import type { RunState } from "../pages/runFollower";

export interface ChatView {
  readonly language: string;
  readonly engine: EngineState;
  /** The running answer of the head's turn. */
  readonly run?: RunState;
  readonly hasSelection: boolean;
  readonly hasOtherAgents: boolean;
}

export function chatSnapshot(detail: AgentDetail, view: ChatView): ChatSnapshot {
  return {
    settings: { language: view.language },
    agent: summaryOf(detail),
    system: detail.system,
    engine: pageEngine(view.engine),
    starts: starts(view),
    ...agentParts(detail),
    ...chatBranch(detail, view),
  };
}

export function agentParts(agent: AgentSummary): Pick<ChatSnapshot, "readOnly"> {
  const readOnly = readOnlyProblem(agent);
  return readOnly ? { readOnly } : {};
}

export function chatBranch(detail: AgentDetail, view: Pick<ChatView, "language" | "run">): ChatBranch {
  return {
    turns: detail.turns.map((turn) => pageTurn(turn, view.language, view.run)),
    otherBranches: detail.otherBranches,
  };
}

/** The smallest update that brings a page with the turns `shown` to `branch`. */
export function branchUpdate(shown: readonly string[], branch: ChatBranch, shownBranches: number): ChatUpdate {
  const last: PageTurn | undefined = branch.turns.at(-1);
  const grown = branch.turns.length - shown.length;
  const sameStart = shown.every((id, index) => branch.turns[index]?.id === id);
  if (last && sameStart && (grown === 0 || grown === 1) && branch.otherBranches.length === shownBranches) {
    return { type: "turn", turn: last };
  }
  return { type: "branch", branch };
}

/** The detail without what is not of the summary: pages get each thing once. */
export function summaryOf(detail: AgentDetail): AgentSummary {
  const { system: _system, turns: _turns, otherBranches: _branches, ...summary } = detail;
  return summary;
}

/** Changes when the turns do in what a page shows of them beside their text. */
export function turnsMark({ turns }: AgentDetail): string {
  return turns.map(({ id, state, saveError }) => `${id} ${state} ${saveError?.code ?? ""}`).join();
}

function starts(view: ChatView): readonly StartId[] {
  return [
    ...(view.hasSelection ? (["startFromSelection"] as const) : []),
    ...(view.hasOtherAgents ? (["forkAnother"] as const) : []),
    "editInstructions",
    "chooseModel",
  ];
}
