/**
 * Delegates are forks: a copy of the agent, with all that it has read, answers a task and may only look. The fork's tools are declared as the
 * agent's are, because a prompt with others would be read from its beginning; what it may not use is refused when it tries.
 */
import type { AgentId } from "../protocol/service";
import { goOnFrom } from "./goOnFrom";
import type { CallContext, CallOutcome, Delegates, DelegatingDoor, LoopPorts } from "./ports";
import { cutText } from "./results";
import { TurnLoop } from "./turnLoop";

/** Of one agent at once: each has a place in the batch, and a share of the pool. */
const mostAtOnce = 4;
const mostSteps = 20;
const longestName = 40;

export interface DelegatePorts extends LoopPorts {
  readonly door: DelegatingDoor;
}

export class ForkDelegates implements Delegates {
  private readonly active = new Map<AgentId, number>();
  private readonly waiting = new Map<AgentId, (() => void)[]>();

  constructor(private readonly ports: () => DelegatePorts) {}

  async run(task: string, context: CallContext, signal: AbortSignal): Promise<CallOutcome> {
    await this.place(context.agent);
    try {
      return await this.answer(task, context, signal);
    } finally {
      this.leave(context.agent);
    }
  }

  private async answer(task: string, context: CallContext, signal: AbortSignal): Promise<CallOutcome> {
    signal.throwIfAborted();
    const ports = this.ports();
    const { door } = ports;
    const id = (await takenUp(door, task, context)) ?? (await forked(door, task, context, signal));
    const limits = () => ({ ...ports.limits(), steps: Math.min(mostSteps, ports.limits().steps) });
    const loop = new TurnLoop(id, { ...ports, limits }, { readsOnly: true });
    const stop = () => void loop.stop();
    try {
      signal.addEventListener("abort", stop);
      const running = loop.run();
      if (signal.aborted) stop();
      const end = await running;
      signal.throwIfAborted();
      const answer = (await door.getAgent(id, 1)).turns.at(-1)?.answer.trim() ?? "";
      const { stopped } = loop.state;
      if (end === "answered" && answer !== "") return { text: cutText(answer, context.resultLength) };
      const why = stopped ?? (end === "answered" ? "It said nothing." : "Its answer failed.");
      return {
        text: cutText(`The delegate did not finish. ${why} ${answer}`.trim(), context.resultLength),
        failed: true,
      };
    } finally {
      signal.removeEventListener("abort", stop);
      loop.dispose();
    }
  }

  private async place(agent: AgentId): Promise<void> {
    const count = this.active.get(agent) ?? 0;
    if (count < mostAtOnce) {
      this.active.set(agent, count + 1);
      return;
    }
    const waiting = this.waiting.get(agent) ?? [];
    this.waiting.set(agent, waiting);
    // Who leaves hands its place over.
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  private leave(agent: AgentId): void {
    const next = this.waiting.get(agent)?.shift();
    if (next !== undefined) {
      next();
      return;
    }
    this.waiting.delete(agent);
    const count = (this.active.get(agent) ?? 1) - 1;
    if (count <= 0) this.active.delete(agent);
    else this.active.set(agent, count);
  }
}

/** A fork that has been given the task. */
async function forked(
  door: DelegatingDoor,
  task: string,
  { agent, turn, onDelegate }: CallContext,
  signal: AbortSignal,
): Promise<AgentId> {
  const name = task
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim()
    .slice(0, longestName)
    .trim();
  const { id } = await door.forkAgent(agent, `Delegate: ${name}`, turn, { delegateOf: agent });
  await onDelegate(id);
  signal.throwIfAborted();
  await door.send(id, { text: taskText(task) });
  return id;
}

/** The fork of the same call that worked when the program ended: it goes on from where it was. `undefined`: it cannot. */
async function takenUp(
  door: DelegatingDoor,
  task: string,
  { delegate, turn, onDelegate }: CallContext,
): Promise<AgentId | undefined> {
  if (delegate === undefined) return undefined;
  try {
    const head = (await door.getAgent(delegate, 1)).turns.at(-1);
    if (head === undefined || head.state === "failed") return undefined;
    await onDelegate(delegate);
    if (head.id === turn) await door.send(delegate, { text: taskText(task) });
    else if (head.state === "interrupted" || head.finishReason === "aborted") await goOnFrom(door, delegate, head);
    return delegate;
  } catch {
    return undefined; // it was deleted, or another window has it: another fork does its work
  }
}

function taskText(task: string): string {
  return `You are now a delegate: your calls of delegate were handed out, and this one is yours. Read and search as you need (read_file, list_files, search, problems); nothing else is allowed. Then answer with what you found, briefly, with paths and lines.\n\nTask: ${task}`;
}
