import { AbortedError, ResidentError, throwIfAborted } from "../common/errors";
import type { Clock } from "../engine/ports";
import type { Progress } from "../protocol/service";
import type { BlockStore } from "../store/blockStore";
import { AgentCache } from "./agentCache";
import type { AnswerEngine, Answered, AnswerSink, AskedAgent, AskedAnswer, ProgressEvent } from "./answerEngine";
import { branchTokens, type CompactPlan, compactedBranch, planCompaction } from "./compactPlan";
import type { LiveAgent } from "./liveAgent";
import type { LocalAnswers } from "./localAnswers";
import type { ModelAccess } from "./ports";
import { storedServer } from "./serverPort";
import type { TurnRecord } from "./turnRecords";
import { countTokens, type Turn } from "./turnTree";
import { Wait } from "./wait";

export interface CompactorPorts {
  readonly models: ModelAccess;
  readonly blocks: BlockStore;
  readonly clock: Clock;
  readonly wallClockMs: () => number;
  readonly local: LocalAnswers;
  readonly remote: AnswerEngine;
  /** Ends the agent's read-ahead: a cache that is lent to it cannot be shared. */
  readonly stopReadAhead: (agent: LiveAgent) => Promise<void>;
}

export interface CompactRun {
  /** How many of the last turns are kept. */
  readonly turns: number;
  readonly onProgress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

/** A branch that begins with a summary. */
export interface CompactedBranch {
  readonly records: readonly TurnRecord[];
  /** What the next message reads before its own text; 0: not known. */
  readonly tokens: number;
}

/**
 * Asks for summaries. The one who answers is a fork of the agent's cache in memory: it has no folder and no name, so that
 * nothing of it is left, however the work ends.
 */
export class Compactor {
  constructor(private readonly ports: CompactorPorts) {}

  /**
   * A branch that begins with a summary of the agent's conversation. Writes nothing. Rejects with ABORTED, with
   * the errors of `planCompaction`, and as answers do.
   */
  async branch(agent: LiveAgent, run: CompactRun): Promise<CompactedBranch> {
    throwIfAborted(run.signal);
    return storedServer(agent.writer.manifest) === undefined ? this.here(agent, run) : this.byServer(agent, run);
  }

  private async here(agent: LiveAgent, run: CompactRun): Promise<CompactedBranch> {
    const { models, local, stopReadAhead } = this.ports;
    const { modelDirectory } = agent.writer.manifest;
    const lease = await models.lease(modelDirectory, run.signal);
    const cache = this.forkCache(agent);
    try {
      const { session } = lease;
      const { text, contextTokens } = session;
      const readBy = { frame: agent.frame, prompts: text.prompts, contextTokens };
      const plan = await planCompaction(agent, { turns: run.turns, contextTokens }, readBy);
      await stopReadAhead(agent);
      throwIfAborted(run.signal);
      tell(run, 0, plan.maxTokens);
      agent.cache.shareWith(cache, countTokens(agent.tree, plan.behind));
      const said = await local.answerIn(session, this.asked(agent, cache, plan, run.signal), sinkOf(run, plan));
      const records = this.records(agent, run, plan, said);
      return { records, tokens: await branchTokens(records, readBy) };
    } finally {
      cache.release();
      lease.release();
    }
  }

  /** A server reads the conversation itself: what it counts is not known here. */
  private async byServer(agent: LiveAgent, run: CompactRun): Promise<CompactedBranch> {
    const { writer, cache } = agent;
    const plan = await planCompaction(agent, { turns: run.turns, contextTokens: writer.manifest.contextTokens });
    let said: Answered | undefined;
    const finish = async (answered: Answered) => {
      said = answered;
    };
    await this.ports.remote.answer(this.asked(agent, cache, plan, run.signal), { ...sinkOf(run, plan), finish });
    if (said === undefined) throw new AbortedError();
    return { records: this.records(agent, run, plan, said), tokens: 0 };
  }

  private records(agent: LiveAgent, { signal }: CompactRun, plan: CompactPlan, said: Answered): readonly TurnRecord[] {
    if (said.finishReason === "aborted" || signal.aborted) throw new AbortedError();
    const text = said.text.trim();
    if (text === "") throw noSummary(agent);
    const summary = { text, isCut: said.finishReason === "length", figures: said.figures };
    return compactedBranch(agent.tree, plan, summary, this.ports.wallClockMs());
  }

  private asked(agent: LiveAgent, cache: AgentCache, plan: CompactPlan, signal: AbortSignal): AskedAnswer {
    const { id, conversation, frame, saved, writer } = agent;
    const asker: AskedAgent = { id, conversation, frame, saved, cache, writer };
    const input = conversation.draftInput(plan.behind, { text: plan.request });
    const nothing = { thought: "", answerText: "", calls: [], answerIds: new Int32Array(0) };
    const turn: Turn = { id: "summary", parent: plan.behind, input, createdAt: 0, ...nothing };
    return {
      ...{ agent: asker, turn, signal, committed: Promise.resolve(), wait: new Wait(this.ports.clock) },
      ...{ request: { maxTokens: plan.maxTokens }, toolMode: "none", again: false, goesOn: false },
    };
  }

  private forkCache({ id }: LiveAgent): AgentCache {
    const { blocks, clock } = this.ports;
    // Nobody waits for it longer than for the summary: it leaves memory before all others.
    return new AgentCache(id, blocks, clock, { rank: () => 0, save: async () => {}, onDropped: () => {} });
  }
}

function noSummary({ name, id }: LiveAgent): ResidentError {
  return new ResidentError(
    "INVALID_REQUEST",
    `the model wrote no summary of ${name}'s conversation`,
    "try again, or keep the last turns only",
    { agent: id },
  );
}

function tell({ onProgress }: CompactRun, done: number, total: number): void {
  const message = done === 0 ? "the conversation is read" : "the summary is written";
  onProgress({ done, total, unit: "tokens", message });
}

function sinkOf(run: CompactRun, { maxTokens }: CompactPlan): Omit<AnswerSink, "finish"> {
  const emit = (event: ProgressEvent) => {
    if (event.type === "prefill") tell(run, 0, maxTokens);
    if (event.type === "text" || event.type === "thinking") {
      tell(run, Math.min(maxTokens, event.figures.generatedTokens), maxTokens);
    }
  };
  return { emit, prompt: () => {}, add: () => {} };
}
