import { plural } from "../../common/format";
import type { ActingState } from "../../protocol/acting";
import { summaryTitle } from "../../protocol/branches";
import type { PageTurn } from "../../protocol/page";
import { noteMark } from "../../protocol/toolNames";
import { figuresInSum } from "../../protocol/turnSteps";
import { sentAttachments } from "../shared/attachments";
import { endingLabel, figuresView } from "../shared/figures";
import { inlineCode } from "../shared/inlineCode";
import { stopButton } from "../shared/runView";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { waitingCalls } from "./approval";
import { runningCalls, turnStage } from "./derived";
import type { StepsShown } from "./openSteps";
import { lastStep, resultsIn, type ShownTurn } from "./shownTurns";
import { stepBody } from "./step";
import { changesLine, type StepContext, stepTools } from "./stepParts";
import { stepsLine } from "./stepsLine";

export interface TurnContext extends StepContext {
  /** The turn's message comes back to be edited and sent again. */
  readonly edit: () => void;
  /** Shows the steps before the last one, or only their line. */
  readonly showSteps: (isOpen: boolean) => void;
}

/** Where the turn stands among the others: what can be done with it. */
export interface TurnPlace {
  readonly number: number;
  readonly isHead: boolean;
  /** Another answer runs, or the agent is read only here. */
  readonly fixed: boolean;
  /** What the agent does in the workspace, at the head; absent: it can do nothing there. */
  readonly acting?: ActingState | undefined;
  /** Absent: all. */
  readonly steps?: StepsShown;
  /** Its answer stands below the conversation, among others to choose from. */
  readonly isAmongWays?: boolean;
}

export function turnView(turn: ShownTurn, place: TurnPlace, context: TurnContext): TreeNode {
  const [first] = turn.steps;
  const last = lastStep(turn);
  const isAnswered = place.isAmongWays !== true;
  const stage = isAnswered ? turnStage(last, place.isHead) : undefined;
  return h(
    "article.turn",
    {
      key: turn.id,
      "aria-label": `Turn ${place.number}${stage ? `, ${stage}` : ""}`,
      "aria-busy": isAnswered && last.state === "running" ? "true" : undefined,
    },
    messageView(first, place, context),
    sentAttachments(first.attachments, context.formats, (index) =>
      context.run({ type: "openAttachment", turn: first.id, index }),
    ),
    isAnswered && answerView(turn, place, context),
  );
}

function answerView(turn: ShownTurn, place: TurnPlace, context: TurnContext): TreeNode {
  return h(
    "div.answer",
    {},
    foldLine(turn, place, context),
    turn.steps.map((_, index) => stepView(turn, index, place, context)),
    turn.steps.length > 1 && sumView(turn, place, context),
    changesLine(turn.steps, turn.id, place.fixed, context),
    waitingLine(lastStep(turn), place, context),
  );
}

/** A person's message; or what stands in the place of one, said as what it is. */
function messageView(turn: PageTurn, place: TurnPlace, context: TurnContext): Children {
  const { user, summary } = turn;
  if (user === "") return undefined;
  if (summary !== undefined) {
    return foldedNote("list-flat", summaryTitle(summary, context.formats), user);
  }
  if (user.startsWith(noteMark)) return foldedNote("info", "Told by Resident: a call could not be made", user);
  return h("div.ask", {}, messageTools(turn, place, context), h("p", {}, inlineCode(user)));
}

function foldedNote(glyph: string, title: string, text: string): TreeNode {
  return h(
    "details.note",
    { key: "note" },
    h("summary.dim.small", {}, icon(glyph), h("span", {}, title)),
    h("p", {}, inlineCode(text)),
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

function foldLine(turn: ShownTurn, { steps = "all" }: TurnPlace, context: TurnContext): Children {
  const isOpen = steps === "open";
  return steps !== "all" && stepsLine(turn, isOpen, () => context.showSteps(!isOpen), context.formats);
}

/**
 * A step of which nothing changed keeps its tree: the others stay while the last one streams. It also keeps its element: when
 * others come, and when it is folded, in which case a search finds its text and opens it.
 */
function stepView({ steps, after }: ShownTurn, index: number, place: TurnPlace, context: TurnContext): TreeNode {
  const step = steps[index] ?? steps[0];
  const isLast = index === steps.length - 1;
  const given = isLast ? after : resultsIn(steps[index + 1]);
  const isHead = place.isHead && isLast;
  const isOnly = steps.length === 1;
  const isSummed = place.steps === "closed";
  const isFolded = isSummed && !isLast;
  const label = `Step ${context.formats.count(index + 1)} of ${context.formats.count(steps.length)}`;
  const acting = isLast ? place.acting : undefined;
  return context.kept.view(
    step.id,
    [step, label, given?.by, given?.results, isHead, place.fixed, acting, isSummed],
    () =>
      h(
        isOnly ? "div.only" : "div.step",
        {
          key: step.id,
          ...(isOnly || isFolded ? {} : { role: "group", "aria-label": label }),
          hidden: isFolded ? "until-found" : undefined,
        },
        stepBody(step, { isHead, fixed: place.fixed, given, acting, isOnly, isLast, isSummed }, context),
      ),
  );
}

/** Below the steps of a turn: what they took together, and what can be done behind the last one. */
function sumView(turn: ShownTurn, place: TurnPlace, { formats, run }: TurnContext): TreeNode | undefined {
  const last = lastStep(turn);
  if (last.state === "running") return undefined;
  const sum = figuresInSum(turn.steps.map(({ figures }) => figures));
  const steps = plural(turn.steps.length, "step", formats);
  return h(
    "div.foot.num",
    { key: "sum" },
    sum ? figuresView(sum, formats, { steps, ending: endingLabel(last.finishReason) }) : h("span.dim.small", {}, steps),
    stepTools(last, place, run, { label: "Turn actions", message: turn.id }),
  );
}

/** The answer ended with calls, and nothing followed them: who is to do what. */
function waitingLine(turn: PageTurn, place: TurnPlace, context: TurnContext): Children {
  const { state, finishReason, calls } = turn;
  const { acting } = place;
  if (!place.isHead) return undefined;
  if (acting?.stopped !== undefined) return stoppedNotice(acting.stopped, place, context);
  if (state !== "done" || finishReason !== "calls" || calls === undefined) return undefined;
  if (acting !== undefined && acting.calls.length > 0) return actingLine(acting, context);
  const waits = `Waits for ${calls.length === 1 ? "the result of its call" : `the results of ${plural(calls.length, "call", context.formats)}`}.`;
  return h(
    "p.waits.dim.small.num",
    { key: "waits", role: "note" },
    icon("clock"),
    h("span", {}, place.fixed ? waits : `${waits} A message goes on without them.`),
    acting !== undefined && !place.fixed && goOnButton(context),
  );
}

/** The agent stopped by itself: why, and the way to go on. */
function stoppedNotice(why: string, { fixed }: TurnPlace, context: TurnContext): TreeNode {
  return h(
    "div.notice.small",
    { key: "stopped", role: "note" },
    icon("debug-pause", "warn"),
    h("div.grow.says", {}, h("span", {}, why), !fixed && goOnButton(context)),
  );
}

function goOnButton({ run }: TurnContext): TreeNode {
  return h("button.link", { on: { click: () => run({ type: "goOn" }) } }, "Go On");
}

/** What it does is told by the lines of its calls; here is the way to stop it. */
function actingLine(acting: ActingState, { formats, run }: TurnContext): TreeNode {
  const waiting = waitingCalls(acting.calls).length;
  const busy = runningCalls(acting);
  const parts = [
    ...(busy > 0 ? [`${plural(busy, "call", formats)} under way`] : []),
    ...(waiting > 0 ? [`${plural(waiting, "call", formats)} ${waiting === 1 ? "waits" : "wait"} for you`] : []),
  ];
  return h(
    "div.foot.waits.dim.small.num",
    { key: "waits" },
    busy > 0 ? icon("circle-filled", "busy") : icon("question"),
    h("span.grow", {}, parts.length === 0 ? "Goes on with the results" : parts.join(", ")),
    stopButton("Stop", "Ends what runs; what was done is kept", () => run({ type: "stop" }), busy > 0),
  );
}
