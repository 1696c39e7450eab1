import type { ActionId, PageTurn, Problem } from "../../protocol/page";

/** They change the conversation: not while an answer runs, and not where the agent is read only. */
const changing: ReadonlySet<ActionId> = new Set(["regenerate", "retrySave", "rewind", "sendAgain"]);

/** The turn with those buttons of its failures that can be of use now. `done`: what has been done about them. */
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
