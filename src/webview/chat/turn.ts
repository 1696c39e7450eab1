import type { Formats } from "../../common/format";
import type { ChatCommand } from "../../protocol/chat";
import type { ActionId, PageTurn } from "../../protocol/page";
import type { Answers } from "../shared/answers";
import { endingLabel, figuresView } from "../shared/figures";
import { inlineCode } from "../shared/inlineCode";
import { problemView, sentence, warningView } from "../shared/problem";
import { stopButton, waitingBox } from "../shared/runView";
import { thoughtView } from "../shared/thought";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { turnStage } from "./derived";

export interface TurnContext {
  readonly formats: Formats;
  readonly answers: Answers;
  readonly run: (command: ChatCommand) => void;
  /** The turn's message comes back to be edited and sent again. */
  readonly edit: () => void;
}

/** Where the turn stands among the others: what can be done with it. */
export interface TurnPlace {
  readonly number: number;
  readonly isHead: boolean;
  /** Another answer runs, or the agent is read only here. */
  readonly fixed: boolean;
}

export function turnView(turn: PageTurn, place: TurnPlace, context: TurnContext): TreeNode {
  const stage = turnStage(turn);
  const running = turn.state === "running";
  return h(
    "article.turn",
    {
      key: turn.id,
      "aria-label": `Turn ${place.number}${stage ? `, ${stage}` : ""}`,
      "aria-busy": running ? "true" : undefined,
    },
    h("div.ask", {}, messageTools(turn, place, context), h("p", {}, inlineCode(turn.user))),
    h("div.answer", {}, running ? runningAnswer(turn, context) : endedAnswer(turn, place, context)),
  );
}

function messageTools(turn: PageTurn, { fixed }: TurnPlace, { run, edit }: TurnContext): TreeNode {
  return h(
    "div.tools",
    { role: "toolbar", "aria-label": "Message actions" },
    h(
      "button.icon-btn",
      {
        "aria-label": "Edit message",
        title: "Edit and Send Again (on a new branch; nothing before it is read again)",
        disabled: fixed,
        on: { click: edit },
      },
      icon("edit"),
    ),
    h(
      "button.icon-btn",
      { "aria-label": "Copy message", title: "Copy", on: { click: () => run({ type: "copy", text: turn.user }) } },
      icon("copy"),
    ),
  );
}

/** The answer was cut, and there is something of it to go on from. */
function isContinuable(turn: PageTurn, { isHead, fixed }: TurnPlace): boolean {
  if (!isHead || fixed || (turn.answer === "" && turn.thought === undefined)) return false;
  if (turn.state === "interrupted" || turn.state === "failed") return true;
  return turn.state === "done" && (turn.finishReason === "aborted" || turn.finishReason === "length");
}

const continueTitle = "Continue the Answer (nothing is read again)";

function runningAnswer(turn: PageTurn, { formats, answers, run }: TurnContext): Children {
  const stop = () => run({ type: "stop" });
  const thought = thoughtView(turn, formats);
  if (turn.answer === "" && thought === undefined) return waitingBox(turn.progress, formats, stop);
  return [
    refusalWarning(turn, formats, run),
    thought,
    turn.answer !== "" && answers.view(turn.id, turn.answer, true),
    h(
      "div.foot.num",
      { key: "foot" },
      turn.figures && figuresView(turn.figures, formats, { running: true }),
      stopButton("Stop", "What has been said is kept", stop),
    ),
  ];
}

function endedAnswer(turn: PageTurn, place: TurnPlace, context: TurnContext): Children {
  const { formats, answers, run } = context;
  const act = (action: ActionId) => run({ type: "act", action, turn: turn.id });
  const way = isContinuable(turn, place)
    ? h("button.link", { title: continueTitle, on: { click: () => run({ type: "continue" }) } }, "Continue")
    : undefined;
  const wayInNotice = turn.state === "interrupted";
  const thought = thoughtView(turn, formats);
  const stoppedEarly = turn.finishReason === "aborted" && turn.answer === "" && thought === undefined;
  return [
    refusalWarning(turn, formats, run),
    thought,
    turn.answer !== "" && answers.view(turn.id, turn.answer, false),
    stoppedEarly && h("p.dim", { key: "none" }, "Stopped before the answer began. What was read is kept."),
    turn.state === "interrupted" &&
      warningView(
        "interrupted",
        "The window closed before this answer ended. What it had said is kept.",
        place.fixed ? [] : [{ id: "regenerate", label: "Regenerate" }],
        () => run({ type: "regenerate", turn: turn.id }),
        way,
      ),
    turn.problem && problemView(turn.problem, formats, act),
    h(
      "div.foot.num",
      { key: "foot" },
      turn.figures &&
        figuresView(turn.figures, formats, {
          ending: endingLabel(turn.finishReason),
          way: wayInNotice ? undefined : way,
        }),
      !turn.figures && !wayInNotice && way,
      turnTools(turn, place, run),
    ),
    turn.saveProblem &&
      warningView("save", `Not saved: ${turn.saveProblem.error.what}.`, turn.saveProblem.actions, act),
  ];
}

/** A part of the stored cache was not used: why, and what that cost. */
function refusalWarning(turn: PageTurn, formats: Formats, run: TurnContext["run"]): Children {
  const refused = turn.figures?.cache.refused;
  if (!refused) return undefined;
  const { storedTokens } = turn;
  const kept = formats.count(refused.atToken);
  const restored =
    storedTokens === undefined || storedTokens < refused.atToken
      ? `${kept} tokens restored`
      : `${kept} of ${formats.count(storedTokens)} tokens restored`;
  return warningView(
    "refused",
    `${sentence(refused.reason).slice(0, -1)}: ${restored}, the rest was read again.`,
    turn.refusalActions ?? [],
    (action) => run({ type: "act", action, turn: turn.id }),
  );
}

function turnTools(turn: PageTurn, { isHead, fixed }: TurnPlace, run: TurnContext["run"]): TreeNode {
  const tool = (label: string, title: string, name: string, enabled: boolean, command: ChatCommand) =>
    h(
      "button.icon-btn",
      { "aria-label": label, title, disabled: !enabled, on: { click: () => run(command) } },
      icon(name),
    );
  const ended = turn.state === "done" || turn.state === "interrupted";
  return h(
    "div.tools",
    { role: "toolbar", "aria-label": "Turn actions" },
    ended && tool("Fork here", "Fork Here (0 tokens)", "repo-forked", true, { type: "fork", turn: turn.id }),
    ended && tool("Rewind to here", "Rewind to Here", "discard", !fixed && !isHead, { type: "rewind", turn: turn.id }),
    tool("Regenerate", "Regenerate", "refresh", !fixed, { type: "regenerate", turn: turn.id }),
    turn.answer !== "" && tool("Copy answer", "Copy", "copy", true, { type: "copy", text: turn.answer }),
  );
}
