import type { PendingApprovals } from "../../acting/approvals";
import type { LeftQuestion, Question } from "../../acting/ports";
import type { Disposable } from "../../common/disposables";
import type { AgentId } from "../../protocol/service";
import type { Memory } from "../window/memory";
import { isStoredQuestions, type StoredQuestion } from "./storedActing";

const key = "resident.acting.questions";

/**
 * Which questions wait for the person, in the memory of the workspace: a window that is opened again asks them again. Another
 * workspace's windows know nothing of them. To be disposed before what asks: a question that ends with its window is kept.
 */
export class KeptQuestions implements Disposable {
  private kept: readonly StoredQuestion[];
  /** Of `kept`, those that this window asks. */
  private asked: readonly StoredQuestion[] = [];
  private saving: Promise<unknown> = Promise.resolve();
  private readonly listening: Disposable;

  constructor(
    private readonly memory: Memory,
    approvals: Pick<PendingApprovals, "onChange" | "questions">,
    private readonly onError: (error: unknown) => void,
  ) {
    const stored: unknown = memory.get(key);
    this.kept = isStoredQuestions(stored) ? stored : [];
    this.listening = approvals.onChange(() => this.note(approvals.questions));
  }

  dispose(): void {
    this.listening.dispose();
  }

  get agents(): readonly AgentId[] {
    return [...new Set(this.kept.map(({ agent }) => agent))];
  }

  of(agent: AgentId): LeftQuestion | undefined {
    return this.kept.find((one) => one.agent === agent);
  }

  /** The agent's questions wait no more, or cannot be asked again. */
  forget(agent: AgentId): void {
    this.keep(this.kept.filter((one) => one.agent !== agent));
  }

  private note(questions: readonly Question[]): void {
    const waiting = questions.map(
      ({ agent, call, hasBegun }): StoredQuestion => ({
        ...{ agent, call: call.id },
        ...(hasBegun === true ? { hasBegun } : {}),
      }),
    );
    const touched = [...this.asked, ...waiting];
    this.asked = waiting;
    this.keep([...this.kept.filter((one) => !touched.some((other) => isSame(one, other))), ...waiting]);
  }

  private keep(kept: readonly StoredQuestion[]): void {
    if (JSON.stringify(kept) === JSON.stringify(this.kept)) return;
    this.kept = kept;
    this.saving = this.saving.then(() => this.memory.update(key, kept)).catch(this.onError);
  }
}

function isSame(one: StoredQuestion, other: StoredQuestion): boolean {
  return one.agent === other.agent && one.call === other.call;
}
