import { plural } from "../../common/format";
import type { PageTurn } from "../../protocol/page";
import { figuresInSum } from "../../protocol/turnSteps";
import { endingLabel, figuresView } from "../shared/figures";
import { inlineCode } from "../shared/inlineCode";
import { h, icon, type TreeNode } from "../shared/tree";
import { turnStage } from "./derived";
import { lastStep, resultsIn, type ShownTurn } from "./shownTurns";
import { stepBody } from "./step";
import { type StepContext, stepTools } from "./stepParts";

export interface TurnContext extends StepContext {
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

export function turnView(turn: ShownTurn, place: TurnPlace, context: TurnContext): TreeNode {
  const [first, ...further] = turn.steps;
  const last = lastStep(turn);
  const stage = turnStage(last, place.isHead);
  return h(
    "article.turn",
    {
      key: turn.id,
      "aria-label": `Turn ${place.number}${stage ? `, ${stage}` : ""}`,
      "aria-busy": last.state === "running" ? "true" : undefined,
    },
    first.user !== "" && h("div.ask", {}, messageTools(first, place, context), h("p", {}, inlineCode(first.user))),
    h(
      "div.answer",
      {},
      further.length === 0
        ? stepBody(first, { ...place, given: turn.after, isOnly: true }, context)
        : [turn.steps.map((_, index) => stepView(turn, index, place, context)), sumView(turn, place, context)],
      waitingLine(last, place, context),
    ),
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

/** One step of several. A step of which nothing changed keeps its tree: the others stay while the last one streams. */
function stepView({ steps, after }: ShownTurn, index: number, place: TurnPlace, context: TurnContext): TreeNode {
  const step = steps[index] ?? steps[0];
  const isLast = index === steps.length - 1;
  const given = isLast ? after : resultsIn(steps[index + 1]);
  const isHead = place.isHead && isLast;
  const label = `Step ${context.formats.count(index + 1)} of ${context.formats.count(steps.length)}`;
  return context.kept.view(step.id, [step, label, given?.by, given?.results, isHead, place.fixed], () =>
    h(
      "div.step",
      { key: step.id, role: "group", "aria-label": label },
      stepBody(step, { isHead, fixed: place.fixed, given, isOnly: false, isLast }, context),
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
    stepTools(last, place, run),
  );
}

/** The answer ended with calls, and nothing followed them. */
function waitingLine({ state, finishReason, calls }: PageTurn, place: TurnPlace, { formats }: TurnContext) {
  if (!place.isHead || state !== "done" || finishReason !== "calls" || calls === undefined) return undefined;
  const waits = `Waits for ${calls.length === 1 ? "the result of its call" : `the results of ${plural(calls.length, "call", formats)}`}.`;
  return h(
    "p.waits.dim.small.num",
    { key: "waits", role: "note" },
    icon("clock"),
    h("span", {}, place.fixed ? waits : `${waits} A message goes on without them.`),
  );
}
