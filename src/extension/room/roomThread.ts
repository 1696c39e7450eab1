import { InvalidRequestError } from "../../common/errors";
import type { RoomAnswer, RoomMessage, RoomMessageId, RoomUpdate } from "../../protocol/room";
import type { AgentId, TurnId } from "../../protocol/service";
import { keptMessages, newestMessages, readMessages } from "./roomMessages";

export interface ThreadPorts {
  readonly post: (update: RoomUpdate) => void;
  /** Plain data that outlives the window. */
  readonly stored: unknown;
  readonly keep: (messages: readonly RoomMessage[]) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The messages to the room with their answers. Every change is posted to the page; what ends or is folded is kept. */
export class RoomThread {
  private list: readonly RoomMessage[];
  /** Messages whose answers have not all ended for the first time: later the time that they took says nothing. */
  private readonly timed = new Set<RoomMessageId>();

  constructor(private readonly ports: ThreadPorts) {
    this.list = readMessages(ports.stored);
  }

  get messages(): readonly RoomMessage[] {
    return this.list;
  }

  add(message: RoomMessage): void {
    this.list = newestMessages([...this.list, message]);
    this.timed.add(message.id);
    this.ports.post({ type: "message", message });
  }

  clear(): void {
    this.list = [];
    this.timed.clear();
    this.keep();
  }

  find(id: RoomMessageId): RoomMessage {
    return found(this.list.find((message) => message.id === id));
  }

  /** The message with the answer that is this turn of its agent. */
  withTurn(turn: TurnId): RoomMessage {
    return found(this.list.find(({ answers }) => answers.some((answer) => answer.turn?.id === turn)));
  }

  /** An agent is asked once more: its answer comes behind that of `after`. */
  addAnswer(id: RoomMessageId, after: AgentId, answer: RoomAnswer): void {
    this.change(id, (answers) =>
      answers.flatMap((old) => (old.agent === after ? [{ ...old, askedFork: answer.name }, answer] : [old])),
    );
    this.startAgain(id);
  }

  /** An ended message has a running answer again. */
  startAgain(id: RoomMessageId): void {
    this.timed.delete(id);
    this.replace(id, ({ endedAt: _, ...message }) => message);
    this.postWhole(id);
  }

  setAnswer(id: RoomMessageId, agent: AgentId, outcome: Pick<RoomAnswer, "turn"> | Pick<RoomAnswer, "refusal">): void {
    this.change(id, (answers) =>
      answers.map((answer) => {
        if (answer.agent !== agent) return answer;
        const { turn: _, refusal: __, ...asked } = answer;
        const changed: RoomAnswer = { ...asked, ...outcome };
        this.ports.post({ type: "answer", message: id, answer: changed });
        return changed;
      }),
    );
  }

  /** The agent's newest answer, where it waits for results: its message and its turn. */
  waiting(agent: AgentId): { readonly message: RoomMessageId; readonly turn: TurnId } | undefined {
    for (const { id, answers } of [...this.list].reverse()) {
      const turn = answers.find((answer) => answer.agent === agent)?.turn;
      if (turn) return turn.finishReason === "calls" ? { message: id, turn: turn.id } : undefined;
    }
    return undefined;
  }

  /** The agent goes on with a further step of its answer. */
  goOn(id: RoomMessageId, agent: AgentId): void {
    this.change(id, (answers) =>
      answers.map((answer) => {
        if (answer.agent !== agent || !answer.turn) return answer;
        const { turn, earlier = [], ...rest } = answer;
        return { ...rest, earlier: [...earlier, turn] };
      }),
    );
    this.startAgain(id);
  }

  fold(id: RoomMessageId, agent: AgentId, folded: boolean): void {
    this.change(id, (answers) => answers.map((answer) => (answer.agent === agent ? { ...answer, folded } : answer)));
    this.keep();
  }

  /** When the last answer has ended, the message has. */
  finish(id: RoomMessageId): void {
    const message = this.list.find((candidate) => candidate.id === id);
    const open = message?.answers.some(({ turn, refusal }) => !refusal && (!turn || turn.state === "running"));
    if (!message || open) return;
    if (this.timed.delete(id)) {
      this.replace(id, (ended) => ({ ...ended, endedAt: this.ports.now() }));
      this.postWhole(id);
    }
    this.keep();
  }

  keep(): void {
    this.ports.keep(keptMessages(this.list));
  }

  private change(id: RoomMessageId, work: (answers: readonly RoomAnswer[]) => readonly RoomAnswer[]): void {
    this.replace(id, (message) => ({ ...message, answers: work(message.answers) }));
  }

  private replace(id: RoomMessageId, work: (message: RoomMessage) => RoomMessage): void {
    this.list = this.list.map((message) => (message.id === id ? work(message) : message));
  }

  private postWhole(id: RoomMessageId): void {
    const message = this.list.find((candidate) => candidate.id === id);
    if (message) this.ports.post({ type: "message", message });
  }
}

function found(message: RoomMessage | undefined): RoomMessage {
  if (!message) throw new InvalidRequestError("this message is not in the room any more", "ask again");
  return message;
}
