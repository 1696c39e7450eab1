import type { Formats } from "../../common/format";
import { shownName } from "../../common/shownName";
import type { PageTurn } from "../../protocol/page";
import type { RoomAnswer, RoomCommand, RoomMessageId } from "../../protocol/room";
import type { AgentId } from "../../protocol/service";
import { agentColour } from "../shared/agentColour";
import type { Answers } from "../shared/answers";
import { progressBar } from "../shared/bars";
import { shortCallsView } from "../shared/calls";
import { endingLabel, figuresView } from "../shared/figures";
import type { KeptTrees } from "../shared/kept";
import { problemView, type RunAction, sentence, warningView } from "../shared/problem";
import { plural, progressLine } from "../shared/progress";
import { thoughtView } from "../shared/thought";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { isSilent } from "../shared/turnUpdates";
import { answerTools, continueLink } from "./answerTools";
import { answerFigures, answerState, isRunning, isWaiting } from "./derived";
import { refusalView } from "./refusal";

export interface AnswerContext {
  readonly formats: Formats;
  readonly answers: Answers;
  readonly kept: KeptTrees;
  readonly run: (command: RoomCommand) => void;
  readonly fold: (message: RoomMessageId, answer: RoomAnswer, folded: boolean) => void;
}

/** Where an answer stands in the room. */
export interface AnswerPlace {
  /** Of its message. */
  readonly number: number;
  /** The agent has not answered a later message of the room. */
  readonly isNewest: boolean;
}

export function answerKey(message: RoomMessageId, agent: AgentId): string {
  return `${message} ${agent}`;
}

/** An answer that did not change keeps its tree. */
export function answerView(
  message: RoomMessageId,
  answer: RoomAnswer,
  place: AnswerPlace,
  context: AnswerContext,
): TreeNode {
  const from = [answer, place.number, place.isNewest];
  return context.kept.view(answerKey(message, answer.agent), from, () => render(message, answer, place, context));
}

function render(message: RoomMessageId, answer: RoomAnswer, place: AnswerPlace, context: AnswerContext): TreeNode {
  const { agent, name, index, folded, turn } = answer;
  const peek = folded && turn && !isRunning(answer) ? context.answers.peek(answerKey(message, agent), turn.answer) : "";
  const label = `${name}, answer ${context.formats.count(place.number)}`;
  return h(
    "div.ans",
    {
      key: agent,
      role: "group",
      style: agentColour(index),
      "aria-label": label,
      "aria-busy": isRunning(answer) ? "true" : undefined,
    },
    h(
      "div.head",
      { role: "toolbar", "aria-label": `${label}, actions` },
      h(
        "button.toggle",
        { "aria-expanded": String(!folded), on: { click: () => context.fold(message, answer, !folded) } },
        icon("chevron-down", "fold"),
        h("span.name.cut", {}, shownName(name)),
        peek !== ""
          ? h("span.peek.cut", {}, peek)
          : h("span.state.num", {}, answerState(answer, context.formats, place.isNewest)),
      ),
      h("div.acts", {}, answerTools(answer, place, context.run)),
    ),
    !folded && h("div.in", { key: "in" }, answerBody(message, answer, place, context)),
  );
}

function answerBody(message: RoomMessageId, answer: RoomAnswer, place: AnswerPlace, context: AnswerContext): Children {
  const { turn, refusal, earlier } = answer;
  if (refusal) return refusalView(message, answer, refusal, context.run);
  const key = answerKey(message, answer.agent);
  return [
    earlier?.map((step, at) => earlierStep(step, earlier[at + 1] ?? turn, `${key} ${step.id}`, context)),
    turn && stepBody(message, answer, turn, place, context),
  ];
}

/** A step before the last one in short: what it said, and a line for each of its calls. */
function earlierStep(step: PageTurn, next: PageTurn | undefined, key: string, { answers }: AnswerContext): TreeNode {
  return h(
    "div.stack",
    { key: step.id },
    step.answer !== "" && answers.view(key, step.answer, false),
    shortCallsView(step.calls, step.dropped, { results: next?.results, isRunning: false, waits: false }),
  );
}

function stepBody(
  message: RoomMessageId,
  answer: RoomAnswer,
  turn: PageTurn,
  place: AnswerPlace,
  context: AnswerContext,
): Children {
  const { agent } = answer;
  const running = turn.state === "running";
  if (running && isSilent(turn)) return readingView(answer.name, turn, context.formats);
  const thought = thoughtView(turn, context.formats);
  const waits = place.isNewest && isWaiting(turn);
  const figures = running ? turn.figures : answerFigures(answer);
  const refused = figures?.cache.refused;
  const count = 1 + (answer.earlier?.length ?? 0);
  const steps = count > 1 && !running ? plural(count, "step", context.formats) : undefined;
  const way = continueLink(answer, place, context.run);
  const act: RunAction = (action) => context.run({ type: "act", action, agent, turn: turn.id });
  return [
    thought,
    turn.answer !== "" && context.answers.view(answerKey(message, agent), turn.answer, running),
    shortCallsView(turn.calls, turn.dropped, { results: undefined, isRunning: running, waits }),
    isSilent(turn) &&
      turn.finishReason === "aborted" &&
      h("p.dim", { key: "none" }, "Stopped before the answer began."),
    turn.problem && problemView(turn.problem, context.formats, act),
    figures &&
      h(
        "div.num",
        { key: "figures" },
        figuresView(figures, context.formats, {
          running,
          steps,
          ending: endingLabel(turn.finishReason),
          way,
          warning: refused && sentence(refused.reason),
        }),
      ),
    !figures && way && h("div.small", { key: "way" }, way),
    turn.saveProblem &&
      warningView("save", `Not saved: ${turn.saveProblem.error.what}.`, turn.saveProblem.actions, act),
  ];
}

function readingView(name: string, turn: PageTurn, formats: Formats): Children {
  const line = progressLine(turn.progress, formats);
  if (!line.bar) {
    const details = line.details.join(", ");
    const text =
      turn.progress?.type === "waitingModel"
        ? `${line.title}: ${details}.`
        : [line.title, details].filter(Boolean).join(", ");
    return h("p.dim.small.num", { key: "progress" }, text);
  }
  return h(
    "div.stack.num",
    { key: "progress" },
    progressBar(`${name} reading`, line.bar),
    h(
      "ul.figs",
      { "aria-label": "Reading" },
      h("li", {}, h("b", {}, line.figure ?? ""), " tokens read"),
      line.details.slice(1, 2).map((detail) => h("li", {}, detail)), // the first is the figure's unit
    ),
  );
}
