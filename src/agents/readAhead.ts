import { AbortedError } from "../common/errors";
import type { ChatMessage, ResultMessage } from "../common/messages";
import { greedy } from "../engine/ports";
import { commonPrefix } from "../engine/tokenHistory";
import type { PromptBuilder } from "../text/prompt";
import { frameOf } from "./agentFrame";
import type { LiveAgent } from "./liveAgent";
import type { ModelAccess, ModelLease, ModelSession } from "./ports";
import { storedServer } from "./serverPort";
import { resultsSoFar, waitingCalls } from "./turnInput";

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
  readonly next: Next | undefined;
}

/** What is known of the next prompt behind the history. */
type Next =
  | { readonly kind: "draft"; readonly draft: string }
  /** The last one is not known to its end. */
  | { readonly kind: "results"; readonly results: readonly ResultMessage[] };

/** Reads the beginning of an agent's next prompt at low priority. One read-ahead per agent. */
export class ReadAhead {
  private readonly underWay = new Map<LiveAgent, UnderWay>();

  constructor(private readonly ports: ReadAheadPorts) {}

  /**
   * Reads the branch at the head into the pool, and with `draft` also the beginning of the next message. Does nothing
   * while the agent is answering or the model is busy. A new draft ends the reading of the one before. Rejects with the
   * reason of a failure; a stop is no failure.
   */
  start(agent: LiveAgent, draft?: string): Promise<void> {
    return this.startWith(agent, draft === undefined ? undefined : { kind: "draft", draft });
  }

  /** The same with the results, known so far, of the calls that the head waits for; the last one is not known to its end. */
  startResults(agent: LiveAgent, results: readonly ResultMessage[]): Promise<void> {
    return this.startWith(agent, { kind: "results", results });
  }

  private async startWith(agent: LiveAgent, next: Next | undefined): Promise<void> {
    for (let under = this.underWay.get(agent); under !== undefined; under = this.underWay.get(agent)) {
      if (next === undefined || JSON.stringify(next) === JSON.stringify(under.next)) return under.over;
      await this.stop(agent);
    }
    // The state may have changed since the call.
    if (agent.deleted || this.ports.isLeaving(agent)) return;
    const { manifest } = agent.writer;
    if (storedServer(manifest) !== undefined) return;
    const { modelDirectory } = manifest;
    const nothingYet = agent.head === undefined && (next?.kind !== "draft" || next.draft.trim() === "");
    if (agent.activity !== undefined || nothingYet || !this.ports.models.isFree(modelDirectory)) return;
    const stop = new AbortController();
    const over = this.run(agent, next, stop.signal);
    this.underWay.set(agent, { stop, over, next });
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

  /** A read-ahead with a draft or results is running: it includes what every next message begins with. */
  readsDraft(agent: LiveAgent): boolean {
    return this.underWay.get(agent)?.next !== undefined;
  }

  private async run(agent: LiveAgent, next: Next | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.read(agent, next, signal);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.underWay.delete(agent);
      agent.readAhead = undefined;
      this.ports.onChange(agent);
    }
  }

  private async read(agent: LiveAgent, next: Next | undefined, signal: AbortSignal): Promise<void> {
    const { models, saving } = this.ports;
    await unlessStopped(saving(agent), signal);
    const lease = await leaseUnlessStopped(models, agent.writer.manifest.modelDirectory, signal);
    try {
      const { session } = lease;
      const { ids, settledTokens } = await ahead(agent, next, session.text.prompts, signal);
      if (ids.length === 0 || ids.length >= session.contextTokens) return;
      const onRestoring = () => this.enter(agent, "restoring");
      await agent.cache.makeHot(session, ids, agent.saved, { priority: "low", signal, onRestoring });
      const unread = ids.length - agent.cache.hotTokensOf(session, ids);
      if (signal.aborted) return;
      if (unread > 0) await this.generate(agent, session, { ids, settledTokens, unread }, signal);
      if (next === undefined) await renderAhead(agent, session.text.prompts, signal);
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

/** The beginning of the next prompt: the history, and what is known behind it. */
async function ahead(agent: LiveAgent, next: Next | undefined, prompts: PromptBuilder, signal: AbortSignal) {
  const { conversation, head, writer } = agent;
  if (next === undefined) {
    const ids = await conversation.ids(head, prompts, signal);
    return { ids, settledTokens: ids.length };
  }
  const input = inputAhead(agent, next);
  const { ids, settled } = await conversation.aheadOf(head, input, frameOf(writer.manifest), prompts, signal);
  if (input.at(-1)?.role === "tool") {
    // Where the calls are rendered anew, what is in memory of them is worth more.
    const history = await conversation.ids(head, prompts, signal);
    if (commonPrefix(ids, history) < history.length) return { ids: history, settledTokens: history.length };
  }
  return { ids, settledTokens: commonPrefix(ids, settled) };
}

/** Behind calls that wait for results these are more likely than a message of the person, until one is begun. */
function inputAhead({ conversation, head, tree }: LiveAgent, next: Next): readonly ChatMessage[] {
  if (next.kind === "results") return next.results;
  const draft = next.draft.trim();
  const calls = draft === "" ? waitingCalls(head === undefined ? undefined : tree.get(head)) : [];
  return calls.length > 0 ? resultsSoFar(calls, []) : conversation.draftInput(head, draft);
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
