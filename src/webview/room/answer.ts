import type { Formats } from "../../common/format";
import type { PageTurn, Problem } from "../../protocol/page";
import type { RoomAnswer, RoomCommand, RoomMessageId } from "../../protocol/room";
import type { AgentId } from "../../protocol/service";
import { agentColour } from "../shared/agentColour";
import type { Answers } from "../shared/answers";
import { progressBar } from "../shared/bars";
import { endingLabel, figuresView } from "../shared/figures";
import { actionLinks, problemView, sentence, warningView } from "../shared/problem";
import { progressLine } from "../shared/progress";
import { type Children, h, icon, type TreeNode } from "../shared/tree";
import { answerState, isRunning } from "./derived";

export interface AnswerContext {
  readonly formats: Formats;
  readonly answers: Answers;
  readonly run: (command: RoomCommand) => void;
  readonly fold: (message: RoomMessageId, answer: RoomAnswer, folded: boolean) => void;
}

/** Tells the answers of the room apart. */
export function answerKey(message: RoomMessageId, agent: AgentId): string {
  return `${message} ${agent}`;
}

export function answerView(message: RoomMessageId, answer: RoomAnswer, context: AnswerContext): TreeNode {
  const { agent, name, index, folded, turn } = answer;
  const peek = folded && turn && !isRunning(answer) ? context.answers.peek(answerKey(message, agent), turn.answer) : "";
  return h(
    "section.ans",
    {
      key: agent,
      style: agentColour(index),
      "aria-label": name,
      "aria-busy": isRunning(answer) ? "true" : undefined,
    },
    h(
      "header",
      {},
      h(
        "button.toggle",
        { "aria-expanded": String(!folded), on: { click: () => context.fold(message, answer, !folded) } },
        icon("chevron-down", "fold"),
        h("span.name.cut", {}, name),
        peek !== "" ? h("span.peek.cut", {}, peek) : h("span.state.num", {}, answerState(answer, context.formats)),
      ),
      answerTools(answer, context),
    ),
    !folded && h("div.in", { key: "in" }, answerBody(message, answer, context)),
  );
}

function answerTools(answer: RoomAnswer, { run }: AnswerContext): TreeNode {
  const { agent, name, turn } = answer;
  const tool = (label: string, title: string, glyph: string, command: RoomCommand) =>
    h("button.icon-btn", { key: title, "aria-label": label, title, on: { click: () => run(command) } }, icon(glyph));
  const running = isRunning(answer);
  const ended = turn && (turn.state === "done" || turn.state === "interrupted");
  return h(
    "div.acts",
    { role: "toolbar", "aria-label": "Answer actions" },
    running && tool(`Stop ${name}`, "Stop", "debug-stop", { type: "stop", agent }),
    ended && tool("Fork here", "Fork Here", "repo-forked", { type: "fork", agent, turn: turn.id }),
    ended && turn.answer !== "" && tool("Copy answer", "Copy", "copy", { type: "copy", text: turn.answer }),
    tool(`Open ${name} in panel`, "Open in Panel", "link-external", { type: "openPanel", agent }),
  );
}

function answerBody(message: RoomMessageId, answer: RoomAnswer, context: AnswerContext): Children {
  const { turn, refusal, agent } = answer;
  if (refusal) return refusalView(message, answer, refusal, context);
  if (!turn) return undefined;
  if (turn.state === "running" && turn.answer === "") return readingView(answer.name, turn, context.formats);
  const running = turn.state === "running";
  const refused = turn.figures?.cache.refused;
  const act = (action: Parameters<Parameters<typeof actionLinks>[1]>[0]) =>
    context.run({ type: "act", action, agent, turn: turn.id });
  return [
    (turn.answer !== "" || running) && context.answers.view(answerKey(message, agent), turn.answer, running),
    turn.answer === "" && turn.finishReason === "aborted" && h("p.dim", {}, "Stopped before the answer began."),
    turn.problem && problemView(turn.problem, context.formats, act),
    turn.figures &&
      h(
        "div.num",
        { key: "figures" },
        figuresView(turn.figures, context.formats, {
          running,
          ending: endingLabel(turn.finishReason),
          warning: refused && sentence(refused.reason),
        }),
      ),
    turn.saveProblem &&
      warningView("save", `Not saved: ${turn.saveProblem.error.what}.`, turn.saveProblem.actions, act),
  ];
}

function readingView(name: string, turn: PageTurn, formats: Formats): Children {
  const line = progressLine(turn.progress, formats);
  if (!line.bar) return h("p.dim.small.num", { key: "progress" }, [line.title, ...line.details].join(", "));
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

/** It was not asked at all: why, and how its knowledge can be asked all the same. */
function refusalView(
  message: RoomMessageId,
  { agent }: RoomAnswer,
  problem: Problem,
  context: AnswerContext,
): Children {
  const locked = problem.error.code === "AGENT_LOCKED";
  const askFork = () => context.run({ type: "askFork", message, agent });
  return h(
    "div.row.small.refusal",
    { key: "refusal", role: locked ? undefined : "alert" },
    locked ? icon("lock") : icon("error", "err"),
    h(
      "div.grow",
      {},
      locked
        ? "In use in another window. Close it there, or ask a fork: it shares everything already read."
        : [sentence(problem.error.what), problem.kept ?? sentence(problem.error.advice)].join(" "),
      locked
        ? h("div.links", {}, h("button.link", { on: { click: askFork } }, "Ask a Fork"))
        : actionLinks(problem.actions, (action) => context.run({ type: "act", action, agent })),
    ),
  );
}
