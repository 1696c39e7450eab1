import type { GenerationEvent, ServiceEvent } from "../../protocol/service";
import type { ToClient } from "../../protocol/wire";

/**
 * Messages that wait to be posted to the client. A client that is slower than the core gets fewer and larger messages:
 * while they wait, the texts of an answer are joined, and only the last of an agent's changes and of a progress is
 * kept. No message moves across a result or any other message.
 */
export class Outbox {
  private waiting: ToClient[] = [];
  /** Index in `waiting` of the last message of each kind, which the next of this kind may join. */
  private readonly open = new Map<string, number>();

  get isEmpty(): boolean {
    return this.waiting.length === 0;
  }

  add(message: ToClient): void {
    const key = joinKey(message);
    if (key === undefined) {
      this.open.clear();
      this.waiting.push(message);
      return;
    }
    const at = this.open.get(key);
    const earlier = at === undefined ? undefined : this.waiting[at];
    const joined = earlier && join(earlier, message);
    if (at !== undefined && joined) {
      this.waiting[at] = joined;
      return;
    }
    this.open.set(key, this.waiting.length);
    this.waiting.push(message);
  }

  takeAll(): readonly ToClient[] {
    const taken = this.waiting;
    this.waiting = [];
    this.open.clear();
    return taken;
  }
}

/** Messages with the same key are about the same thing. */
function joinKey(message: ToClient): string | undefined {
  switch (message.type) {
    case "running":
      return `running ${message.running}`;
    case "progress":
      return `progress ${message.id}`;
    case "event":
      return eventKey(message.event);
    default:
      return undefined;
  }
}

function eventKey(event: ServiceEvent): string | undefined {
  if (event.type === "agent" && event.summary) return `agent ${event.id}`;
  return event.type === "engine" && event.state.type === "loading" ? "loading" : undefined;
}

function join(earlier: ToClient, later: ToClient): ToClient | undefined {
  if (earlier.type !== "running" || later.type !== "running") return later;
  const event = joinEvents(earlier.event, later.event);
  return event && { ...later, event };
}

function joinEvents(earlier: GenerationEvent, later: GenerationEvent): GenerationEvent | undefined {
  if (earlier.type !== later.type) return undefined;
  if (earlier.type === "text" && later.type === "text") return { ...later, text: earlier.text + later.text };
  if (earlier.type === "thinking" && later.type === "thinking") return { ...later, text: earlier.text + later.text };
  return later;
}
