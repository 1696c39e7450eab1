import type { ActingState } from "../../protocol/acting";
import type { ActionId, PageTurn } from "../../protocol/page";
import { callsView } from "../shared/calls";
import { endingLabel, figuresView } from "../shared/figures";
import { problemView, warningView } from "../shared/problem";
import { stopButton, waitingBox } from "../shared/runView";
import { thoughtView } from "../shared/thought";
import { type Children, h, type TreeNode } from "../shared/tree";
import { isSilent } from "../shared/turnUpdates";
import { approvalView } from "./approval";
import { compactButton } from "./compact";
import type { GivenResults } from "./shownTurns";
import { refusalWarning, type StepContext, stepTools } from "./stepParts";
import { withUsefulButtons } from "./usefulButtons";

/** Where a step stands: what can be done with it. */
export interface StepPlace {
  /** The conversation ends with it. */
  readonly isHead: boolean;
  readonly fixed: boolean;
  /** What its calls gave; absent: nothing yet. */
  readonly given: GivenResults | undefined;
  /** What the agent does in the workspace, at the head; absent: it can do nothing there. */
  readonly acting?: ActingState | undefined;
  /** The turn has no other one. */
  readonly isOnly: boolean;
  /** The turn's own tools are those of its last step. */
  readonly isLast?: boolean;
  /** The other steps are folded: what it took is told in sum only. */
  readonly isSummed?: boolean;
}

/** One node of the tree: what the model thought, said and called, and what that took. */
export function stepBody(told: PageTurn, place: StepPlace, context: StepContext): Children {
  const turn = withUsefulButtons(told, place.fixed, context.done(told.id));
  return turn.state === "running" ? running(turn, place, context) : ended(turn, place, context);
}

function running(turn: PageTurn, place: StepPlace, context: StepContext): Children {
  const { formats, run } = context;
  const stop = () => run({ type: "stop" });
  if (isSilent(turn)) return waitingBox(turn.progress, formats, stop);
  return [
    said(turn, place, context),
    h(
      "div.foot.num",
      { key: "foot" },
      turn.figures && figuresView(turn.figures, formats, { running: true }),
      stopButton("Stop", "What has been said is kept", stop),
    ),
  ];
}

function said(turn: PageTurn, place: StepPlace, context: StepContext): Children {
  const { formats, answers, run } = context;
  const { id, answer, calls, dropped, state, finishReason } = turn;
  const isRunning = state === "running";
  const waits = place.isHead && state === "done" && finishReason === "calls";
  const ask = (type: "showResult" | "openResult", call: string) => {
    if (place.given) run({ type, turn: place.given.by, call });
  };
  return [
    refusalWarning(turn, formats, run),
    thoughtView(turn, formats),
    answer !== "" && answers.view(id, answer, isRunning),
    callsView(
      calls,
      dropped,
      {
        results: place.given?.results,
        isRunning,
        waits,
        live: place.acting?.calls,
        ran: turn.ran,
        foot: isInFold(turn, place) ? foot(turn, place, context) : undefined,
      },
      {
        formats,
        copy: (text) => run({ type: "copy", text }),
        showAll: (call) => ask("showResult", call),
        openInEditor: (call) => ask("openResult", call),
        openDiff: (place.acting ?? turn.changes) && ((call) => run({ type: "openDiff", call })),
        openAgent: (agent) => run({ type: "openAgent", agent }),
        approval: (live) => approvalView(live, run),
      },
    ),
  ];
}

/** The answer was cut, and there is something of it to go on from. */
function isContinuable(turn: PageTurn, { isHead, fixed }: StepPlace): boolean {
  if (!isHead || fixed || isSilent(turn)) return false;
  if (turn.state === "interrupted" || turn.state === "failed") return true;
  return turn.state === "done" && (turn.finishReason === "aborted" || turn.finishReason === "length");
}

const continueTitle = "Continue the Answer (nothing is read again)";

function ended(turn: PageTurn, place: StepPlace, context: StepContext): Children {
  const { formats, run } = context;
  const act = (action: ActionId) => run({ type: "act", action, turn: turn.id });
  const way = isContinuable(turn, place)
    ? h("button.link", { title: continueTitle, on: { click: () => run({ type: "continue" }) } }, "Continue")
    : undefined;
  const below = turn.state === "interrupted" ? undefined : way;
  const isByServer = turn.figures?.by === "server";
  return [
    said(turn, place, context),
    turn.finishReason === "aborted" &&
      isSilent(turn) &&
      h("p.dim", { key: "none" }, `Stopped before the answer began.${isByServer ? "" : " What was read is kept."}`),
    turn.state === "interrupted" &&
      warningView(
        "interrupted",
        "The window closed before this answer ended. What it had said is kept.",
        place.fixed ? [] : [{ id: "regenerate", label: "Regenerate" }],
        () => run({ type: "regenerate", turn: turn.id }),
        way,
      ),
    turn.problem &&
      problemView(turn.problem, formats, act, undefined, place.acting && compactButton(turn.problem, run)),
    place.isSummed || isInFold(turn, place)
      ? below && h("div.foot", { key: "foot" }, below)
      : foot(turn, place, context, below),
    turn.saveProblem &&
      warningView("save", `Not saved: ${turn.saveProblem.error.what}.`, turn.saveProblem.actions, act),
  ];
}

/** A step among others has no line of its own for its figures: they are where its last call opens to. */
function isInFold({ state, calls = [] }: PageTurn, { isOnly }: StepPlace): boolean {
  return !isOnly && state !== "running" && calls.length > 0;
}

/** The turn's own tools stand below all of its steps. */
function foot(turn: PageTurn, place: StepPlace, { formats, run }: StepContext, way?: TreeNode): TreeNode {
  const { isOnly, isLast = false } = place;
  const ending = endingLabel(turn.finishReason);
  return h(
    "div.foot.num",
    { key: "foot", class: isOnly ? undefined : "small-foot" },
    turn.figures && figuresView(turn.figures, formats, isOnly ? { ending, way } : { way, isStep: true }),
    !turn.figures && way,
    (isOnly || !isLast) &&
      stepTools(turn, place, run, isOnly ? { label: "Turn actions", message: turn.id } : { label: "Step actions" }),
  );
}
