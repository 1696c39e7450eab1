/** The questions that wait for the person, of all agents: one list for a bar, answered from any page. */
import type { Disposable } from "../common/disposables";
import { AbortedError } from "../common/errors";
import { Emitter } from "../common/events";
import type { AgentId } from "../protocol/service";
import type { Approvals, Decision, Question } from "./ports";

interface Waiting {
  readonly question: Question;
  readonly decide: (decision: Decision) => void;
}

export class PendingApprovals implements Approvals, Disposable {
  private readonly waiting = new Map<string, Waiting>();
  private readonly emitter: Emitter<void>;

  constructor(onError?: (error: unknown) => void) {
    this.emitter = new Emitter<void>(onError);
  }

  /** The list changed. */
  get onChange() {
    return this.emitter.event;
  }

  /** Oldest first. */
  get questions(): readonly Question[] {
    return [...this.waiting.values()].map(({ question }) => question);
  }

  ask(question: Question, signal: AbortSignal): Promise<Decision> {
    const key = keyOf(question.agent, question.call.id);
    return new Promise<Decision>((resolve, reject) => {
      if (signal.aborted) {
        reject(new AbortedError());
        return;
      }
      const end = () => {
        signal.removeEventListener("abort", abort);
        if (this.waiting.get(key)?.question === question) this.waiting.delete(key);
        this.emitter.fire();
      };
      const abort = () => {
        end();
        reject(new AbortedError("the question was withdrawn"));
      };
      signal.addEventListener("abort", abort);
      const decide = (decision: Decision) => {
        end();
        resolve(decision);
      };
      this.waiting.set(key, { question, decide });
      this.emitter.fire();
    });
  }

  /** What waits for this call; `undefined`: nothing does. */
  questionOf(agent: AgentId, call: string): Question | undefined {
    return this.waiting.get(keyOf(agent, call))?.question;
  }

  /** False: nothing waits for it (it was answered elsewhere, or stopped). */
  decide(agent: AgentId, call: string, decision: Decision): boolean {
    const waiting = this.waiting.get(keyOf(agent, call));
    // What was not offered is no answer: a page may be older than the question.
    if (waiting === undefined || !waiting.question.choices.some(({ way }) => way === decision.way)) return false;
    waiting.decide(decision);
    return true;
  }

  dispose(): void {
    this.waiting.clear();
    this.emitter.dispose();
  }
}

function keyOf(agent: AgentId, call: string): string {
  return JSON.stringify([agent, call]);
}
