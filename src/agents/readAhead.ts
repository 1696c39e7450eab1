import type { Attachment } from "../common/attachments";
import type { Disposable } from "../common/disposables";
import { AbortedError } from "../common/errors";
import type { ChatMessage, ResultMessage } from "../common/messages";
import type { Generation } from "../engine/generation";
import { greedy } from "../engine/ports";
import { commonPrefix } from "../engine/tokenHistory";
import type { PromptBuilder } from "../text/prompt";
import type { Draft } from "./conversation";
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

/** Its progress is told so often, at most. */
const tellings = 40;

interface UnderWay {
  readonly stop: AbortController;
  readonly over: Promise<void>;
  readonly next: Next | undefined;
}

/** What is known of the next prompt behind the history. */
type Next =
  | { readonly kind: "draft"; readonly draft: Draft }
  /** The last one is not known to its end. */
  | { readonly kind: "results"; readonly results: readonly ResultMessage[] };

const nothingWritten: Draft = { text: "" };

/** Reads the beginning of an agent's next prompt at low priority. One read-ahead per agent. */
export class ReadAhead {
  private readonly underWay = new Map<LiveAgent, UnderWay>();

  constructor(private readonly ports: ReadAheadPorts) {}

  /**
   * Reads the branch at the head into the pool, and with `draft` also the beginning of the next message. Where files are
   * pinned, or were until now, the prompt of the next message is read in any case: the history may have been read with
   * others. Does nothing while the agent is answering or the model is busy. A new draft ends the reading of the one before.
   * Rejects with the reason of a failure; a stop is no failure.
   */
  start(agent: LiveAgent, draft?: Draft): Promise<void> {
    return this.startWith(agent, draft && { kind: "draft", draft });
  }

  /** The same with the results, known so far, of the calls that the head waits for; the last one is not known to its end. */
  startResults(agent: LiveAgent, results: readonly ResultMessage[]): Promise<void> {
    return this.startWith(agent, { kind: "results", results });
  }

  private async startWith(agent: LiveAgent, next: Next | undefined): Promise<void> {
    for (let under = this.underWay.get(agent); under !== undefined; under = this.underWay.get(agent)) {
      if (next === undefined || isSame(next, under.next)) return under.over;
      await this.stop(agent);
    }
    // The state may have changed since the call.
    if (agent.deleted || this.ports.isLeaving(agent)) return;
    const { manifest } = agent.writer;
    if (storedServer(manifest) !== undefined) return;
    const { modelDirectory } = manifest;
    const nothingYet = agent.head === undefined && agent.tree.files.length === 0 && isBlank(next);
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
      agent.reading = undefined;
      this.ports.onChange(agent);
    }
  }

  private async read(agent: LiveAgent, next: Next | undefined, signal: AbortSignal): Promise<void> {
    const { models, saving } = this.ports;
    await unlessStopped(saving(agent), signal);
    const lease = await leaseUnlessStopped(models, agent.writer.manifest.modelDirectory, signal);
    try {
      const { session } = lease;
      const { prompts } = session.text;
      const { ids, settledTokens } = await ahead(agent, next, prompts, signal);
      if (ids.length > 0 && ids.length < session.contextTokens) {
        await this.makeHot(agent, session, { ids, settledTokens }, signal);
        if (next === undefined && !signal.aborted) await renderAhead(agent, prompts, signal);
      }
      await agent.frameSize.count(prompts, signal);
    } finally {
      lease.release();
    }
  }

  private async makeHot(
    agent: LiveAgent,
    session: ModelSession,
    { ids, settledTokens }: { readonly ids: Int32Array; readonly settledTokens: number },
    signal: AbortSignal,
  ): Promise<void> {
    const onRestoring = () => this.enter(agent, "restoring");
    await agent.cache.makeHot(session, ids, agent.saved, { priority: "low", signal, onRestoring });
    const unread = ids.length - agent.cache.hotTokensOf(session, ids);
    if (signal.aborted) return;
    if (unread > 0) await this.generate(agent, session, { ids, settledTokens, unread }, signal);
    else agent.filesReading.add({ reused: ids.length, prefilled: 0 }, true);
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
    const telling = unread >= tokensWorthShowing ? this.tellProgress(agent, generation) : undefined;
    const { blocks, figures, finishReason } = await generation.result.finally(() => {
      signal.removeEventListener("abort", abort);
      telling?.dispose();
    });
    const { reusedTokens: reused, prefilledTokens: prefilled } = figures;
    agent.filesReading.add({ reused, prefilled }, finishReason !== "aborted");
    agent.cache.putAhead(session, blocks, Math.min(settledTokens, blocks.numTokens));
  }

  private tellProgress(agent: LiveAgent, generation: Generation): Disposable {
    let toldAt = 0;
    return generation.onEvent((event) => {
      if (event.type !== "prefill") return;
      const { done, total } = event;
      agent.reading = { done, total };
      if (done - toldAt < Math.max(tokensWorthShowing, total / tellings)) return;
      toldAt = done;
      this.ports.onChange(agent);
    });
  }

  private enter(agent: LiveAgent, state: "restoring" | "reading"): void {
    agent.readAhead = state;
    this.ports.onChange(agent);
  }
}

/** The beginning of the next prompt: the history, and what is known behind it. */
async function ahead(agent: LiveAgent, next: Next | undefined, prompts: PromptBuilder, signal: AbortSignal) {
  const { conversation, head } = agent;
  const written = next ?? (agent.mayHaveFiles ? ({ kind: "draft", draft: nothingWritten } as const) : undefined);
  try {
    if (written !== undefined) {
      const input = inputAhead(agent, written);
      const { ids, settled } = await conversation.aheadOf(head, input, agent.frame, prompts, signal);
      const isKept = input.at(-1)?.role !== "tool" || agent.mayHaveFiles || (await holds(agent, ids, prompts, signal));
      if (isKept && (next !== undefined || ids.length > 0)) return { ids, settledTokens: commonPrefix(ids, settled) };
    }
  } catch (error) {
    // The message will say that the template does not take it.
    if (next !== undefined || signal.aborted) throw error;
  }
  const ids = await conversation.ids(head, prompts, signal);
  return { ids, settledTokens: ids.length };
}

/** Behind calls that wait for results these are more likely than a message of the person, until one is begun. */
function inputAhead({ conversation, head, headTurn }: LiveAgent, next: Next): readonly ChatMessage[] {
  if (next.kind === "results") return next.results;
  const calls = isBlank(next) ? waitingCalls(headTurn) : [];
  if (calls.length > 0) return resultsSoFar(calls, []);
  return conversation.draftInput(head, { ...next.draft, text: next.draft.text.trim() });
}

/** The history is the beginning of `ids`. Where a template writes the calls anew, what is in memory of them is worth more. */
async function holds({ conversation, head }: LiveAgent, ids: Int32Array, prompts: PromptBuilder, signal: AbortSignal) {
  const history = await conversation.ids(head, prompts, signal);
  return commonPrefix(ids, history) === history.length;
}

/** Renders the history as in the next prompt, so that the next message is delayed by its own text only. */
async function renderAhead(agent: LiveAgent, prompts: PromptBuilder, signal: AbortSignal): Promise<void> {
  const { conversation, head } = agent;
  // A template that fails here fails for the message too, and is reported then.
  await conversation.ahead(head, nothingWritten, agent.frame, prompts, signal).catch(() => {});
}

/** Nothing is known but the history. */
function isBlank(next: Next | undefined): boolean {
  if (next?.kind !== "draft") return next === undefined;
  const { text, attachments = [] } = next.draft;
  return text.trim() === "" && attachments.length === 0;
}

function isSame(a: Next, b: Next | undefined): boolean {
  if (a.kind === "draft") return b?.kind === "draft" && isSameDraft(a.draft, b.draft);
  return b?.kind === "results" && isSameResults(a.results, b.results);
}

function isSameResults(a: readonly ResultMessage[], b: readonly ResultMessage[]): boolean {
  return a.length === b.length && a.every(({ call, content }, i) => call === b[i]?.call && content === b[i]?.content);
}

function isSameDraft(a: Draft, b: Draft): boolean {
  if (a.text !== b.text) return false;
  const [ours, theirs] = [a.attachments ?? [], b.attachments ?? []];
  return ours.length === theirs.length && ours.every((one, index) => isSameAttachment(one, theirs[index]));
}

function isSameAttachment(a: Attachment, b: Attachment | undefined): boolean {
  return (
    a.kind === b?.kind &&
    a.path === b.path &&
    a.range?.from === b.range?.from &&
    a.range?.to === b.range?.to &&
    a.text === b.text
  );
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
