/** Several answers to one message side by side, of which the person keeps one. */
import type { Formats } from "../../common/format";
import { plural } from "../../common/format";
import type { ChatCommand } from "../../protocol/chat";
import type { Way, WaysState } from "../../protocol/chatActing";
import type { PageTurn } from "../../protocol/page";
import type { TurnId } from "../../protocol/service";
import { figuresInSum } from "../../protocol/turnSteps";
import type { Answers } from "../shared/answers";
import { shortCallsView } from "../shared/calls";
import { endingLabel, figuresView } from "../shared/figures";
import { problemView } from "../shared/problem";
import { waitingBox } from "../shared/runView";
import { thoughtView } from "../shared/thought";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { isSilent } from "../shared/turnUpdates";

export interface WaysContext {
  readonly formats: Formats;
  readonly answers: Answers;
  readonly run: (command: ChatCommand) => void;
}

/** The ids under which the answers of ways are kept. */
export function wayIds(state: WaysState | undefined): readonly string[] {
  return state?.ways.flatMap(({ turn, earlier = [] }, at) => [...earlier, turn].map((step) => wayId(at, step))) ?? [];
}

/** Whether the answer of this turn of the agent is one of them. `turn`: its first step. */
export function hasOwnWay(state: WaysState | undefined, turn: TurnId | undefined): boolean {
  const own = state?.ways.find(({ agent }) => agent === undefined);
  return own !== undefined && (own.earlier?.[0] ?? own.turn).id === turn;
}

function wayId(at: number, { id }: PageTurn): string {
  return `way ${at} ${id}`;
}

export function waysView(state: WaysState | undefined, context: WaysContext): TreeNode | undefined {
  if (state === undefined) return undefined;
  const { formats, run } = context;
  const count = state.ways.length;
  return h(
    "section.ways",
    { key: "ways", "aria-label": `${formats.count(count)} answers to choose from` },
    h(
      "div.row.small.num",
      {},
      icon("split-horizontal"),
      h("b.grow", {}, `${formats.count(count)} answers to the same message`),
      h("span.dim", {}, state.isOpen ? "Choose one; the others stay as branches" : "Answering at once"),
      !state.isOpen &&
        h(
          "button.btn.second.small",
          { key: "stop", on: { click: () => run({ type: "stop" }) } },
          icon("debug-stop"),
          "Stop",
        ),
    ),
    h(
      "div.side",
      {},
      state.ways.map((way, at) => wayView(way, at, state, context)),
    ),
  );
}

function wayView(
  { agent, turn, earlier = [] }: Way,
  at: number,
  { isOpen, ways }: WaysState,
  context: WaysContext,
): TreeNode {
  const { formats, run } = context;
  const steps = [...earlier, turn];
  const isRunning = turn.state === "running";
  const name = `Answer ${formats.count(at + 1)}`;
  const sum = isRunning ? turn.figures : figuresInSum(steps.map(({ figures }) => figures));
  return h(
    "article.way",
    {
      key: String(at),
      "aria-label": `${name} of ${formats.count(ways.length)}`,
      "aria-busy": isRunning ? "true" : undefined,
    },
    h("h2", {}, name),
    h(
      "div.answer",
      {},
      steps.map((step, index) => wayStep(step, steps[index + 1], at, context)),
    ),
    sum &&
      h(
        "div.foot.small-foot.num",
        { key: "foot" },
        figuresView(sum, formats, {
          running: isRunning,
          ending: endingLabel(turn.finishReason),
          steps: steps.length > 1 && !isRunning ? plural(steps.length, "step", formats) : undefined,
        }),
      ),
    h(
      "div.row.buttons",
      {},
      h(
        "button.btn.small.second",
        {
          disabled: !isOpen || turn.state === "failed",
          on: { click: () => run({ type: "chooseWay", way: at }) },
        },
        `Choose ${name}`,
      ),
      agent !== undefined &&
        h(
          "button.link",
          { on: { click: () => run({ type: "openAgent", agent }) } },
          "Open Transcript",
          h("span.sr", {}, ` of ${name.toLowerCase()}`),
        ),
    ),
  );
}

function wayStep(
  step: PageTurn,
  next: PageTurn | undefined,
  at: number,
  { formats, answers, run }: WaysContext,
): Children {
  const isRunning = step.state === "running";
  if (isRunning && isSilent(step)) return waitingBox(step.progress, formats, () => run({ type: "stop" }));
  return h(
    "div.step",
    { key: step.id },
    thoughtView(step, formats),
    step.answer !== "" && answers.view(wayId(at, step), step.answer, isRunning),
    shortCallsView(step.calls, step.dropped, { results: next?.results, isRunning, waits: false }),
    step.problem && problemView(step.problem, formats, (action) => run({ type: "act", action, turn: step.id })),
  );
}
