import type { Problem } from "../../protocol/page";
import type { RoomAnswer, RoomCommand, RoomMessageId } from "../../protocol/room";
import { actionLinks, sentence } from "../shared/problem";
import { type Children, h, icon } from "../shared/tree";

/** An agent was not asked: why, and how its knowledge can be asked all the same. */
export function refusalView(
  message: RoomMessageId,
  answer: RoomAnswer,
  problem: Problem,
  run: (command: RoomCommand) => void,
): Children {
  const locked = problem.error.code === "AGENT_LOCKED";
  return h(
    "div.row.small.refusal",
    { key: "refusal", role: locked ? undefined : "alert" },
    locked ? icon("lock") : icon("error", "err"),
    h("div.grow", {}, locked ? lockedParts(message, answer, run) : problemParts(answer, problem, run)),
  );
}

function lockedParts(
  message: RoomMessageId,
  { agent, askedFork }: RoomAnswer,
  run: (command: RoomCommand) => void,
): Children {
  if (askedFork !== undefined) return `In use in another window. Its fork “${askedFork}” was asked in its place.`;
  const askFork = () => run({ type: "askFork", message, agent });
  return [
    "In use in another window. Close it there, or ask a fork: it shares everything already read.",
    h("div.links", {}, h("button.link", { on: { click: askFork } }, "Ask a Fork")),
  ];
}

function problemParts({ agent }: RoomAnswer, problem: Problem, run: (command: RoomCommand) => void): Children {
  const { error, kept, actions } = problem;
  return [
    [sentence(error.what), kept ?? sentence(error.advice)].join(" "),
    actionLinks(actions, (action) => run({ type: "act", action, agent })),
  ];
}
