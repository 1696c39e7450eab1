import { FakeLocks } from "../../support/store/fakes";
import type { Answer } from "./journal";
import { Program } from "./program";
import type { Asked } from "./truth";
import { waitingMessage, writeWaitingAgent } from "./waitingAgent";

/**
 * Computes what an agent must answer at the end of a branch, in an undisturbed home with the same conversation from the
 * beginning.
 */
export class Oracle {
  private readonly program: Program;
  /** Agents by what was said and given to them. */
  private readonly agents = new Map<string, { readonly name: string; readonly answer?: Answer }>();
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly home: string,
    private readonly model: string,
  ) {
    this.program = new Program({ home, model, locks: new FakeLocks() });
  }

  /** The answer to the last of `texts`. */
  answer(texts: readonly Asked[]): Promise<Answer> {
    const asked = this.last.then(() => this.answerNow(texts));
    this.last = asked.catch(() => {});
    return asked;
  }

  private async answerNow(texts: readonly Asked[]): Promise<Answer> {
    const { answer } = await this.agentOf(texts);
    if (answer === undefined) throw new Error("nothing was said");
    return answer;
  }

  private async agentOf(texts: readonly Asked[]): Promise<{ readonly name: string; readonly answer?: Answer }> {
    const key = JSON.stringify(texts);
    const known = this.agents.get(key);
    if (known !== undefined) return known;
    const made = await this.make(texts);
    this.agents.set(key, made);
    return made;
  }

  private async make(texts: readonly Asked[]) {
    const name = `path ${this.agents.size}`;
    const last = texts.at(-1);
    if (last === undefined) {
      await this.program.take({ do: "create", name });
      return { name };
    }
    if (texts.length === 1 && last === waitingMessage) {
      const { answer } = await writeWaitingAgent(this.home, this.model, name);
      return { name, answer };
    }
    const before = await this.agentOf(texts.slice(0, -1));
    // A number of its own: another agent may have been made meanwhile.
    const as = `path ${this.agents.size}`;
    await this.program.take({ do: "fork", name: before.name, as });
    const { id } = await this.program.find(as);
    return {
      name: as,
      answer: await (typeof last === "string" ? this.program.ask(id, last) : this.program.give(id, last.given)),
    };
  }
}
