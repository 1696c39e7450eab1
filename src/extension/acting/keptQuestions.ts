import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PendingApprovals } from "../../acting/approvals";
import type { LeftQuestion } from "../../acting/ports";
import { boundedJsonIn } from "../../common/boundedJson";
import type { Disposable } from "../../common/disposables";
import { unlessMissing } from "../../common/errno";
import type { AgentId } from "../../protocol/service";
import { TaskQueue } from "../pages/taskQueue";
import { isStoredQuestion, type StoredQuestion } from "./storedActing";

/**
 * Which agents' questions wait for the person, in a folder of this workspace's own: a window that is opened again asks them again,
 * and windows of other workspaces know nothing of them. Each agent has a file, which only the window writes that has the agent. To be
 * disposed before what asks: a question that ends with its window is kept.
 */
export class KeptQuestions implements Disposable {
  /** By agent, the call that is asked for in this window. */
  private asked: ReadonlyMap<AgentId, string> = new Map();
  /** What was there when the window was opened and was not looked after since. */
  private left: Promise<Set<AgentId>> | undefined;
  private readonly writes: TaskQueue;
  private readonly listening: Disposable;

  constructor(
    private readonly folder: string,
    private readonly approvals: Pick<PendingApprovals, "onChange" | "questions">,
    onError: (error: unknown) => void,
  ) {
    this.writes = new TaskQueue(onError);
    this.listening = approvals.onChange(() => this.note());
  }

  dispose(): void {
    this.listening.dispose();
  }

  /** Those whose question waited when the window before this one was closed. */
  async agents(): Promise<readonly AgentId[]> {
    this.left ??= this.look();
    return [...(await this.left)];
  }

  /** What waited then, and was not asked again or forgotten since, here or in another window. */
  async of(agent: AgentId): Promise<LeftQuestion | undefined> {
    return (await this.agents()).includes(agent) ? questionIn(this.file(agent)) : undefined;
  }

  /** It cannot be asked any more. */
  forget(agent: AgentId): void {
    this.writes.add(async () => {
      (await this.left)?.delete(agent);
      await rm(this.file(agent), { force: true });
    });
  }

  private note(): void {
    const { questions } = this.approvals;
    const before = this.asked;
    this.asked = new Map(questions.map(({ agent, call }) => [agent, call.id]));
    for (const { agent, call, hasBegun } of questions) {
      if (before.get(agent) !== call.id)
        this.keep({ agent, call: call.id, ...(hasBegun === true ? { hasBegun } : {}) });
    }
    for (const agent of before.keys()) if (!this.asked.has(agent)) this.forget(agent);
  }

  private keep(question: StoredQuestion): void {
    this.writes.add(async () => {
      await mkdir(this.folder, { recursive: true });
      await writeFile(this.file(question.agent), JSON.stringify(question));
    });
  }

  private async look(): Promise<Set<AgentId>> {
    const files = await unlessMissing(readdir(this.folder));
    const questions = await Promise.all((files ?? []).map((name) => questionIn(join(this.folder, name))));
    return new Set(questions.flatMap((question) => question?.agent ?? []));
  }

  private file(agent: AgentId): string {
    return join(this.folder, `${encodeURIComponent(agent)}.json`);
  }
}

async function questionIn(file: string): Promise<StoredQuestion | undefined> {
  const text = await unlessMissing(readFile(file, "utf8"));
  const question: unknown = text === undefined ? undefined : boundedJsonIn(text);
  return isStoredQuestion(question) ? question : undefined;
}
