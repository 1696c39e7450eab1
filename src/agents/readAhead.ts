import { AbortedError } from "../common/errors";
import { greedy } from "../engine/ports";
import { commonPrefix } from "../engine/tokenHistory";
import type { PromptBuilder } from "../text/prompt";
import { frameOf } from "./agentFrame";
import type { LiveAgent } from "./liveAgent";
import type { ModelAccess, ModelLease, ModelSession } from "./ports";
import { storedServer } from "./serverPort";

export interface ReadAheadPorts {
  readonly models: ModelAccess;
  /** The agent's running save, if any. A read-ahead waits for it: a cache that is lent cannot be saved. */
  readonly saving: (agent: LiveAgent) => Promise<void> | undefined;
  /** The agent is leaving memory: no read-ahead may begin. */
  readonly isLeaving: (agent: LiveAgent) => boolean;
  readonly onChange: (agent: LiveAgent) => void;
}

/** Reading fewer tokens is over before a page could show it. */
const tokensWorthShowing = 64;

interface UnderWay {
  readonly stop: AbortController;
  readonly over: Promise<void>;
  readonly draft: string | undefined;
}

/** Reads the beginning of an agent's next prompt at low priority. One read-ahead per agent. */
export class ReadAhead {
  private readonly underWay = new Map<LiveAgent, UnderWay>();

  constructor(private readonly ports: ReadAheadPorts) {}

  /**
   * Reads the branch at the head into the pool, and with `draft` also the beginning of the next message. Does nothing
   * while the agent is answering or the model is busy. A new draft ends the reading of the one before. Rejects with the
   * reason of a failure; a stop is no failure.
   */
  async start(agent: LiveAgent, draft?: string): Promise<void> {
    for (let under = this.underWay.get(agent); under !== undefined; under = this.underWay.get(agent)) {
      if (draft === undefined || draft === under.draft) return under.over;
      await this.stop(agent);
    }
    // The state may have changed since the call.
    if (agent.deleted || this.ports.isLeaving(agent)) return;
    const { manifest } = agent.writer;
    if (storedServer(manifest) !== undefined) return;
    const { modelDirectory } = manifest;
    const nothingYet = agent.head === undefined && (draft ?? "").trim() === "";
    if (agent.activity !== undefined || nothingYet || !this.ports.models.isFree(modelDirectory)) return;
    const stop = new AbortController();
    const over = this.run(agent, draft, stop.signal);
    this.underWay.set(agent, { stop, over, draft });
    return over;
  }

  /** Ends a read-ahead. The tokens that it read stay in the agent's cache. */
  async stop(agent: LiveAgent): Promise<void> {
    const under = this.underWay.get(agent);
    under?.stop.abort();
    // A failure is reported to the caller of `start`.
    await under?.over.catch(() => {});
  }

  isUnderWay(agent: LiveAgent): boolean {
    return this.underWay.has(agent);
  }

  /** A read-ahead with a draft is running: it includes what every next message begins with. */
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

/** The beginning of the next prompt: the history, and the draft behind it. */
async function ahead(agent: LiveAgent, draft: string | undefined, prompts: PromptBuilder, signal: AbortSignal) {
  const { conversation, head, writer } = agent;
  if (draft === undefined) {
    const ids = await conversation.ids(head, prompts, signal);
    return { ids, settledTokens: ids.length };
  }
  const { ids, settled } = await conversation.ahead(head, draft, frameOf(writer.manifest), prompts, signal);
  return { ids, settledTokens: commonPrefix(ids, settled) };
}

/** Renders the history as in the next prompt, so that the next message is delayed by its own text only. */
async function renderAhead(agent: LiveAgent, prompts: PromptBuilder, signal: AbortSignal): Promise<void> {
  const { conversation, head, writer } = agent;
  // A template that fails here fails for the message too, and is reported then.
  await conversation.ahead(head, "", frameOf(writer.manifest), prompts, signal).catch(() => {});
}

function unlessStopped(work: Promise<void> | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    whenStopped(signal, reject);
    Promise.resolve(work).then(resolve, reject);
  });
}

/** The model keeps loading when a read-ahead is stopped: usually a message stopped it, and needs the model. */
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
