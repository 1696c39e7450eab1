import type { ActionId, PageTurn, Problem } from "../../protocol/page";

/** Actions that change the conversation: impossible while an answer runs, and where the agent is read only. */
const changing: ReadonlySet<ActionId> = new Set(["regenerate", "retrySave", "rewind", "sendAgain"]);

/** The turn without those buttons of its failures that cannot work now or are in `done`, what already succeeded. */
export function withUsefulButtons(turn: PageTurn, fixed: boolean, done: ReadonlySet<ActionId> | undefined): PageTurn {
  const { problem, saveProblem } = turn;
  if ((!problem && !saveProblem) || (!fixed && !done)) return turn;
  const useful = (of: Problem): Problem => ({
    ...of,
    actions: of.actions.filter(({ id }) => !done?.has(id) && !(fixed && changing.has(id))),
  });
  return {
    ...turn,
    ...(problem ? { problem: useful(problem) } : {}),
    ...(saveProblem ? { saveProblem: useful(saveProblem) } : {}),
  };
}
