import * as vscode from "vscode";
import type { Question } from "../../acting/ports";
import { shownName } from "../../common/shownName";
import type { ApprovalWay } from "../../protocol/acting";
import type { AgentId } from "../../protocol/service";
import { oneLine } from "../agents/oneLine";

export interface Review {
  /** All that waits now, the oldest first. */
  readonly questions: () => readonly Question[];
  readonly nameOf: (agent: AgentId) => string;
  readonly decide: (agent: AgentId, call: string, way: ApprovalWay, text?: string) => Promise<void>;
}

/** Shows what waits, over all agents, until nothing does or the person has seen enough. Resolves with what was decided. */
export async function reviewWaiting(review: Review): Promise<number> {
  let decided = 0;
  for (;;) {
    const questions = review.questions();
    if (questions.length === 0) return decided;
    const question = questions.length === 1 ? questions[0] : await pickQuestion(questions, review);
    const choice = question && (await pickChoice(question, review));
    if (question === undefined || choice === undefined) return decided;
    await review.decide(question.agent, question.call.id, choice.way, choice.text);
    decided++;
    if (choice.way === "openDiff") return decided; // it is decided there
  }
}

async function pickQuestion(questions: readonly Question[], { nameOf }: Review): Promise<Question | undefined> {
  const items = questions.map((question) => ({
    question,
    label: oneLine(question.question),
    description: shownName(nameOf(question.agent)),
  }));
  const chosen = await vscode.window.showQuickPick(items, {
    title: "What Waits for You",
    placeHolder: "Choose one to decide about",
    matchOnDescription: true,
  });
  return chosen?.question;
}

interface Choice {
  readonly way: ApprovalWay;
  readonly text?: string;
}

async function pickChoice(question: Question, { nameOf }: Review): Promise<Choice | undefined> {
  const title = `${shownName(nameOf(question.agent))}: ${oneLine(question.question)}`;
  const { command } = question.call.arguments;
  if (question.kind === "run" && typeof command === "string") return confirmCommand(question, title, command);
  const items = question.choices.map(({ way, label }) => ({ way, label }));
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder: oneLine(question.question) });
  if (chosen?.way !== "answer") return chosen && { way: chosen.way };
  const text = await vscode.window.showInputBox({ title, prompt: question.question, ignoreFocusOut: true });
  return text === undefined ? undefined : { way: "answer", text };
}

/** All of the command is shown, however long it is: what stands behind its first words matters most. */
async function confirmCommand({ choices }: Question, title: string, command: string): Promise<Choice | undefined> {
  const labels = choices.map(({ label }) => label);
  const label = await vscode.window.showWarningMessage(title, { modal: true, detail: command }, ...labels);
  const chosen = choices.find((choice) => choice.label === label);
  return chosen && { way: chosen.way };
}
