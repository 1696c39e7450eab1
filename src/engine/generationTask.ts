import type { ResidentError } from "../common/errors";
import { type AdmissionPlan, admit, type Candidate, planAdmission, slotsAtStart } from "./admission";
import { AgentBlocks } from "./agentBlocks";
import { AnswerCounts } from "./answerCounts";
import { blocksFor, slotsNeeded } from "./blockMath";
import type { FinishReason, GenerationFigures } from "./generation";
import { type GenerationControl, GenerationStream } from "./generationStream";
import { bug } from "./invariant";
import type { LiveTables } from "./liveTables";
import type { EngineMetrics } from "./metrics";
import { type Clock, noPenalties, type RunnerToken, type SequenceStep, type TokenId } from "./ports";
import type { GenerationRequest, Priority } from "./request";
import type { PlannedRow, Schedulable, StepPlan } from "./scheduler";
import type { Sequence } from "./sequence";
import type { TokenHistory } from "./tokenHistory";
import { TurnFigures } from "./turnFigures";

/** Decided, not yet carried out: a run may still be writing the request's blocks. */
type Ending =
  | {
      readonly reason: FinishReason;
      /** Tokens of the answer that are kept. */
      readonly keepTokens: number;
    }
  | { readonly reason: "failed"; readonly error: ResidentError };

type Phase =
  | { readonly type: "waiting"; readonly blocks: AgentBlocks }
  | { readonly type: "running"; readonly sequence: Sequence }
  | { readonly type: "ended" };

export interface TaskPorts {
  readonly tables: LiveTables;
  readonly clock: Clock;
  readonly metrics: EngineMetrics;
  readonly onListenerError: (error: unknown) => void;
  /** A person or program wants `task` ended; `decide` writes the ending down. */
  readonly end: (task: GenerationTask, decide: () => void) => void;
}

const noIds = new Int32Array(0);

/** Of an answer that goes on, this much counts as what it will need. */
const blocksAhead = 16;

/** Blocks that a request lacks for its part of a step. */
export interface Lacking {
  readonly layers: "all" | "window";
  readonly blocks: number;
}

/** One request on its way: waiting with its old cache → running with a sequence → ended. */
export class GenerationTask implements Schedulable {
  readonly stream: GenerationStream;
  readonly priority: Priority;
  readonly mayGuess: boolean;
  /** Absent where no penalty is asked for. */
  private readonly counts: AnswerCounts | undefined;
  private phase: Phase;
  private ending: Ending | undefined;
  private queuedTold = false;
  /** Tokens that were computed when it was last pre-empted. */
  private lostTokens: number | undefined;
  private readonly tokenIds: TokenId[] = [];
  private readonly promptTokens: number;
  private readonly turn: TurnFigures;
  /** Number of the step that it was part of last; 0: none yet. */
  lastStep = 0;

  constructor(
    private readonly request: Omit<GenerationRequest, "blocks" | "tokens">,
    blocks: AgentBlocks,
    private readonly history: TokenHistory,
    /** Counts up over all requests. */
    readonly arrival: number,
    private readonly ports: TaskPorts,
  ) {
    this.phase = { type: "waiting", blocks: blocks.setWaiting() };
    this.priority = request.priority ?? "normal";
    this.promptTokens = history.length;
    this.turn = new TurnFigures(ports.clock, history.length);
    this.mayGuess = request.promptLookup ?? true;
    const { repetitionPenalty, presencePenalty, frequencyPenalty } = request.sampling;
    const hasPenalties = repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0;
    this.counts = hasPenalties ? new AnswerCounts() : undefined;
    const answeredFrom = history.length - (request.answeredTokens ?? 0);
    for (const id of history.view(Math.max(0, answeredFrom), history.length)) this.counts?.add(id);
    const control: GenerationControl = {
      figures: () => this.figures(),
      abort: () => ports.end(this, () => this.decideAbort()),
      stop: (keepTokens) => ports.end(this, () => this.decideStop(keepTokens)),
    };
    this.stream = new GenerationStream(control, ports.onListenerError);
  }

  get state(): Phase["type"] {
    return this.phase.type;
  }

  get isEnding(): boolean {
    return this.ending !== undefined;
  }

  get numPendingTokens(): number {
    return this.sequence.numPendingTokens;
  }

  get decoding(): boolean {
    return this.tokenIds.length > 0 && this.numPendingTokens === 1;
  }

  get numTokensToSample(): number {
    return this.request.maxTokens - this.tokenIds.length;
  }

  get sequence(): Sequence {
    if (this.phase.type !== "running") throw bug("a request is not running", { state: this.phase.type });
    return this.phase.sequence;
  }

  // ---- waiting -----------------------------------------------------------------------------------------------------

  /** `headroom`: blocks to leave to those that run. */
  planAdmission(headroom: number): AdmissionPlan {
    return planAdmission(this.ports.tables, this.candidate(), headroom);
  }

  /** waiting → running */
  admit(plan: AdmissionPlan): void {
    this.phase = { type: "running", sequence: admit(this.ports.tables, this.candidate(), plan) };
    if (this.lostTokens === undefined) {
      this.turn.admitted(plan.reusedTokens);
      this.ports.metrics.countPrompt(this.promptTokens, plan.reusedTokens);
    } else {
      this.turn.readmitted(this.lostTokens, plan.reusedTokens);
    }
    this.endIfRead();
    if (this.tokenIds.length === 0) this.tellPrefill();
  }

  /** Gives the blocks of its old cache back to the pool, full ones findable; `false` when it has none. */
  releaseOldCache(): boolean {
    const { blocks } = this.candidate();
    if (blocks.table.length === 0) return false;
    blocks.rewind(0);
    return true;
  }

  /** Says once that it waits. */
  tellQueued(requestsAhead: number): void {
    if (this.queuedTold || this.phase.type !== "waiting") return;
    this.queuedTold = true;
    const { blockTokens } = this.ports.tables.pool;
    const neededBlocks = blocksFor(slotsAtStart(this.candidate(), blockTokens), blockTokens);
    this.stream.emit({ type: "queued", neededBlocks, requestsAhead });
  }

  // ---- running -----------------------------------------------------------------------------------------------------

  /** Reserves the blocks for its part of a run; `undefined`: it has them all now, else what is not available. */
  secure(row: PlannedRow<GenerationTask>, steps: number): Lacking | undefined {
    const { sequence } = this;
    const { pool } = this.ports.tables;
    const lacking = this.lackingFor(row, steps);
    if (!pool.canReserve(lacking)) return { layers: "all", blocks: lacking - pool.availableBlocks };
    if (lacking > 0) sequence.reserve(lacking);
    const ofWindow = sequence.window?.secure(this.slotsAfter(row, steps)) ?? 0;
    return ofWindow > 0 ? { layers: "window", blocks: ofWindow } : undefined;
  }

  /**
   * Blocks that it will need and has not reserved: to its end, or for the next `blocksAhead` blocks of its answer where it
   * may get longer than that. Without a bound an answer whose length nobody said would need the whole pool.
   */
  get blocksToCome(): number {
    const { blockTokens } = this.ports.tables.pool;
    const answerTokens = Math.min(this.request.maxTokens, this.tokenIds.length + blocksAhead * blockTokens);
    const slots = slotsNeeded(this.promptTokens, answerTokens);
    if (this.phase.type === "running") return this.phase.sequence.lackingFor(slots);
    const held = this.phase.type === "waiting" ? this.phase.blocks.table.length : 0;
    return Math.max(0, blocksFor(slots, blockTokens) - held);
  }

  /** Blocks that it has still to reserve for such a part. */
  lackingFor(row: PlannedRow<GenerationTask>, steps: number): number {
    return this.sequence.lackingFor(this.slotsAfter(row, steps));
  }

  /** The same of the layers with a window. */
  windowLackingFor(row: PlannedRow<GenerationTask>, steps: number): number {
    return this.sequence.window?.lackingFor(this.slotsAfter(row, steps)) ?? 0;
  }

  /** running → waiting: gives its blocks to the pool, full ones findable; it will go on where it was. Not during a run. */
  preempt(): void {
    const { sequence } = this;
    this.lostTokens = sequence.numComputedTokens;
    sequence.release();
    const blocks = AgentBlocks.empty(this.ports.tables, this.request.owner, this.request.salt);
    this.phase = { type: "waiting", blocks };
    this.queuedTold = false;
    this.ports.metrics.countPreemption();
  }

  /** Its part of a planned run; its table grows to hold it. */
  stepInput(row: PlannedRow<GenerationTask>, { steps, guesses }: StepPlan<GenerationTask>): SequenceStep {
    const { sequence } = this;
    const { numTokens, wantToken } = row;
    const start = sequence.numComputedTokens;
    const slots = this.slotsAfter(row, steps);
    sequence.grow(slots);
    sequence.window?.grow(slots);
    return {
      tokens: this.history.view(start, start + numTokens),
      start,
      table: sequence.table,
      ...(sequence.window === undefined ? {} : { windowTable: sequence.window.table }),
      wantToken,
      sampling: this.request.sampling,
      penalties: this.counts?.view() ?? noPenalties,
      stopIds: this.request.stopIds,
      lookupIds: guesses ? this.history.view(0, this.history.length) : noIds,
    };
  }

  /** Takes a sampled token, unless the answer has ended. */
  accept({ id, logprob, top }: RunnerToken): void {
    if (this.ending !== undefined) return;
    this.countRead(this.promptTokens);
    this.history.append(id);
    this.tokenIds.push(id);
    this.counts?.add(id);
    this.ports.metrics.countToken(this.turn.sampled());
    const keepTokens = this.tokenIds.length;
    if (this.request.stopIds.includes(id)) this.ending = { reason: "stop", keepTokens };
    else if (keepTokens === this.request.maxTokens) this.ending = { reason: "length", keepTokens };
    this.stream.emit({
      type: "token",
      index: keepTokens - 1,
      id,
      ...(logprob === undefined ? {} : { logprob }),
      ...(top === undefined ? {} : { top }),
    });
  }

  /** Something failed for this request alone: it ends when the run is over, with nothing of the run counted. */
  failAlone(error: ResidentError): void {
    this.ending = { reason: "failed", error };
  }

  /** Counts what a run has computed: the sequence's first `numTokens` tokens, as far as they are part of it. */
  commit(numTokens: number): void {
    this.sequence.advance(Math.min(numTokens, this.history.length));
    this.endIfRead();
    this.countRead(this.sequence.numComputedTokens);
  }

  // ---- ending ------------------------------------------------------------------------------------------------------

  /** Ends as was decided and hands its cache over. Not during a run. */
  conclude(): void {
    const ending = this.ending ?? { reason: "aborted", keepTokens: this.tokenIds.length };
    if (ending.reason === "failed") {
      this.fail(ending.error);
      return;
    }
    this.keep(ending.keepTokens);
    const blocks = this.takeCache();
    const { reason } = ending;
    this.stream.finish({ finishReason: reason, tokenIds: [...this.tokenIds], figures: this.figures(), blocks });
  }

  /** Ends with an error; its blocks go back to the pool. Not during a run. */
  fail(error: ResidentError): void {
    const { phase } = this;
    this.phase = { type: "ended" };
    try {
      if (phase.type === "running") phase.sequence.release();
      if (phase.type === "waiting") phase.blocks.release();
    } finally {
      this.stream.fail(error);
    }
  }

  private slotsAfter({ numTokens }: PlannedRow<GenerationTask>, steps: number): number {
    return this.sequence.numComputedTokens + numTokens + steps - 1;
  }

  private figures(): GenerationFigures {
    return this.turn.figures(this.tokenIds.length);
  }

  private decideAbort(): void {
    this.ending ??= { reason: "aborted", keepTokens: this.tokenIds.length };
  }

  /** A stop in the text is found at a token that may have ended the answer by itself: the text's word counts. */
  private decideStop(keepTokens: number): void {
    if (this.ending?.reason === "aborted" || this.ending?.reason === "failed") return;
    const kept = Math.max(0, Math.min(Math.floor(keepTokens), this.tokenIds.length));
    this.ending = { reason: "stop", keepTokens: kept };
  }

  /** Read ahead has no last token to wait for. */
  private endIfRead(): void {
    if (this.request.maxTokens > 0 || this.numPendingTokens > 0) return;
    this.ending ??= { reason: "length", keepTokens: 0 };
  }

  /** The first `numTokens` tokens are computed: tells how far the prompt is read, if that is news. */
  private countRead(numTokens: number): void {
    const done = Math.min(numTokens, this.promptTokens) - this.turn.reusedTokens;
    if (done <= this.turn.prefilledTokens) return;
    this.turn.prefilledTokens = done;
    this.tellPrefill();
  }

  private tellPrefill(): void {
    const { prefilledTokens: done, reusedTokens: reused } = this.turn;
    this.stream.emit({ type: "prefill", done, total: this.promptTokens - reused, reused });
  }

  private keep(numTokens: number): void {
    this.tokenIds.length = Math.min(this.tokenIds.length, numTokens);
    this.history.truncate(this.promptTokens + numTokens);
    if (this.phase.type === "running") this.phase.sequence.truncate(this.history.length);
  }

  private takeCache(): AgentBlocks {
    const { phase } = this;
    if (phase.type === "ended") throw bug("a request ended twice");
    const cache = phase.type === "running" ? phase.sequence.extract() : phase.blocks;
    this.phase = { type: "ended" };
    return cache;
  }

  private candidate(): Candidate {
    if (this.phase.type !== "waiting") throw bug("a request does not wait", { state: this.phase.type });
    return {
      blocks: this.phase.blocks,
      history: this.history,
      maxTokens: this.numTokensToSample,
      beginsAgain: this.lostTokens !== undefined,
    };
  }
}
