import { AbortedError } from "../common/errors";
import { greedy } from "../engine/ports";
import { commonPrefix } from "../engine/tokenHistory";
import type { PromptBuilder } from "../text/prompt";
import type { LiveAgent } from "./liveAgent";
import type { ModelAccess, ModelLease, ModelSession } from "./ports";

export interface ReadAheadPorts {
  readonly models: ModelAccess;
  /** A save of the agent that is under way: a cache that is lent to a read ahead is not there to be saved. */
  readonly saving: (agent: LiveAgent) => Promise<void> | undefined;
  /** The agent is leaving memory: nothing may begin. */
  readonly isLeaving: (agent: LiveAgent) => boolean;
  readonly onChange: (agent: LiveAgent) => void;
}

/** Fewer tokens are read before a page could show that they are. */
const tokensWorthShowing = 64;

interface UnderWay {
  readonly stop: AbortController;
  readonly over: Promise<void>;
  readonly draft: string | undefined;
}

/** Reads at low priority what an agent's next prompt begins with, one read ahead an agent. */
export class ReadAhead {
  private readonly underWay = new Map<LiveAgent, UnderWay>();

  constructor(private readonly ports: ReadAheadPorts) {}

  /**
   * Reads until the branch at the head is in the pool, with `draft` also what the next message begins with, unless the
   * agent is answering, hot already, or the model is busy. The newest draft ends the reading of the one before. Rejects
   * with why it could not be done; being stopped is no failure.
   */
  async start(agent: LiveAgent, draft?: string): Promise<void> {
    for (let under = this.underWay.get(agent); under !== undefined; under = this.underWay.get(agent)) {
      if (draft === undefined || draft === under.draft) return under.over;
      await this.stop(agent);
    }
    // Since this was asked for, everything may have changed.
    if (agent.deleted || this.ports.isLeaving(agent)) return;
    const { modelDirectory } = agent.writer.manifest;
    const nothingYet = agent.head === undefined && (draft ?? "").trim() === "";
    if (agent.activity !== undefined || nothingYet || !this.ports.models.isFree(modelDirectory)) return;
    const stop = new AbortController();
    const over = this.run(agent, draft, stop.signal);
    this.underWay.set(agent, { stop, over, draft });
    return over;
  }

  /** Ends a read ahead; what it read stays with the agent. */
  async stop(agent: LiveAgent): Promise<void> {
    const under = this.underWay.get(agent);
    under?.stop.abort();
    // Its failure is told to whoever asked for it.
    await under?.over.catch(() => {});
  }

  isUnderWay(agent: LiveAgent): boolean {
    return this.underWay.has(agent);
  }

  /** Something is read that begins with what every next message begins with. */
  readsDraft(agent: LiveAgent): boolean {
    return this.underWay.get(agent)?.draft !== undefined;
  }

  private async run(agent: LiveAgent, draft: string | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.read(agent, draft, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.underWay.delete(agent);
      agent.readAhead = undefined;
      this.ports.onChange(agent);
    }
  }

  private async read(agent: LiveAgent, draft: string | undefined, signal: AbortSignal): Promise<void> {
    const { models, saving } = this.ports;
    await unlessStopped(saving(agent), signal);
    const lease = await leaseUnlessStopped(models, agent.writer.manifest.modelDirectory, signal);
    try {
      const { session } = lease;
      const { ids, settledTokens } = await ahead(agent, draft, session.text.prompts, signal);
      if (ids.length === 0 || ids.length >= session.contextTokens) return;
      const onRestoring = () => this.enter(agent, "restoring");
      await agent.cache.makeHot(session, ids, agent.saved, { priority: "low", signal, onRestoring });
      const unread = ids.length - agent.cache.hotTokensOf(session, ids);
      if (signal.aborted) return;
      if (unread > 0) await this.generate(agent, session, { ids, settledTokens, unread }, signal);
      if (draft === undefined) await renderAhead(agent, session.text.prompts, signal);
    } finally {
      lease.release();
    }
  }

  private async generate(
    agent: LiveAgent,
    session: ModelSession,
    {
      ids,
      settledTokens,
      unread,
    }: { readonly ids: Int32Array; readonly settledTokens: number; readonly unread: number },
    signal: AbortSignal,
  ): Promise<void> {
    if (unread >= tokensWorthShowing) this.enter(agent, "reading");
    const generation = agent.cache.submit(session, {
      tokens: ids,
      sampling: greedy,
      stopIds: [],
      maxTokens: 0,
      priority: "low",
    });
    const abort = () => generation.abort();
    signal.addEventListener("abort", abort);
    const { blocks } = await generation.result.finally(() => signal.removeEventListener("abort", abort));
    agent.cache.putAhead(session, blocks, Math.min(settledTokens, blocks.numTokens));
  }

  private enter(agent: LiveAgent, state: "restoring" | "reading"): void {
    agent.readAhead = state;
    this.ports.onChange(agent);
  }
}

/** What the next prompt begins with: the history, and what is known of the message behind it. */
async function ahead(agent: LiveAgent, draft: string | undefined, prompts: PromptBuilder, signal: AbortSignal) {
  const { conversation, head, writer } = agent;
  if (draft === undefined) {
    const ids = await conversation.ids(head, prompts, signal);
    return { ids, settledTokens: ids.length };
  }
  const { ids, settled } = await conversation.ahead(head, draft, writer.manifest.system, prompts, signal);
  return { ids, settledTokens: commonPrefix(ids, settled) };
}

/** Renders the history as the next message's prompt will have it, so that this message waits for its own text only. */
async function renderAhead(agent: LiveAgent, prompts: PromptBuilder, signal: AbortSignal): Promise<void> {
  const { conversation, head, writer } = agent;
  // A template that fails here fails with the message, too, and is told then.
  await conversation.ahead(head, "", writer.manifest.system, prompts, signal).catch(() => {});
}

function unlessStopped(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    whenStopped(signal, reject);
    Promise.resolve(work).then(resolve, reject);
  });
}

/** The model goes on loading when a read ahead is stopped: what stops one is mostly a message that needs the model. */
function leaseUnlessStopped(models: ModelAccess, directory: string, signal: AbortSignal): Promise<ModelLease> {
  return new Promise((resolve, reject) => {
    whenStopped(signal, reject);
    models.lease(directory).then((lease) => (signal.aborted ? lease.release() : resolve(lease)), reject);
  });
}

function whenStopped(signal: AbortSignal, reject: (reason: AbortedError) => void): void {
  if (signal.aborted) reject(new AbortedError());
  else signal.addEventListener("abort", () => reject(new AbortedError()), { once: true });
}
