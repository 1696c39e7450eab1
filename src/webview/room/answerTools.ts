import type { PageTurn } from "../../protocol/page";
import type { RoomAnswer, RoomCommand } from "../../protocol/room";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { isRunning } from "./derived";

/** What can be done with an answer. Only the agent's newest one can be made again in the room. */
export function answerTools(
  answer: RoomAnswer,
  { isNewest }: { readonly isNewest: boolean },
  run: (command: RoomCommand) => void,
): Children {
  const { agent, name, turn } = answer;
  const tool = (label: string, title: string, glyph: string, command: RoomCommand) =>
    h("button.icon-btn", { key: title, "aria-label": label, title, on: { click: () => run(command) } }, icon(glyph));
  const open = tool(`Open ${name} in panel`, "Open in Panel", "link-external", { type: "openPanel", agent });
  if (isRunning(answer)) return [tool(`Stop ${name}`, "Stop", "debug-stop", { type: "stop", agent }), open];
  if (!turn) return open;
  const of = { agent, turn: turn.id };
  const hasText = turn.answer !== "";
  return [
    isNewest && tool("Regenerate", "Regenerate", "refresh", { type: "regenerate", ...of }),
    turn.state !== "failed" && tool("Fork here", "Fork Here (0 tokens)", "repo-forked", { type: "fork", ...of }),
    hasText && tool("Copy answer", "Copy", "copy", { type: "copy", text: turn.answer }),
    open,
  ];
}

/** Behind the figures of an answer that did not end by itself, where it has a text to go on from. */
export function continueLink(
  { agent, turn }: RoomAnswer,
  { isNewest }: { readonly isNewest: boolean },
  run: (command: RoomCommand) => void,
): TreeNode | undefined {
  if (!isNewest || !turn || !isCut(turn)) return undefined;
  const goOn = () => run({ type: "continue", agent, turn: turn.id });
  return h("button.link", { title: "Continue the Answer (nothing is read again)", on: { click: goOn } }, "Continue");
}

function isCut({ state, finishReason, answer, calls }: PageTurn): boolean {
  if (answer === "" && calls === undefined) return false;
  return (
    state === "interrupted" ||
    state === "failed" ||
    (state === "done" && (finishReason === "aborted" || finishReason === "length"))
  );
}
