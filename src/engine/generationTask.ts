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

/** The ending is decided but not carried out: a run may still be writing the request's blocks. */
type Ending =
  | {
      readonly reason: FinishReason;
      /** Number of the answer's tokens to keep. */
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
  /** Asks the engine to end `task`; `decide` records how. */
  readonly end: (task: GenerationTask, decide: () => void) => void;
}

const noIds = new Int32Array(0);

/** Most blocks that an unfinished answer is assumed to need for its next tokens. */
const maxExpectedBlocks = 16;

/** Blocks that a request lacks for its row of a step. */
export interface Lacking {
  readonly layers: "all" | "window";
  readonly blocks: number;
}

/** One request and its state: waiting with its old cache → running with a sequence → ended. */
export class GenerationTask implements Schedulable {
  readonly stream: GenerationStream;
  readonly priority: Priority;
  readonly mayGuess: boolean;
  /** `undefined` when the request has no penalty. */
  private readonly counts: AnswerCounts | undefined;
  private phase: Phase;
  private ending: Ending | undefined;
  private queuedEmitted = false;
  /** Number of tokens that were computed when it was last pre-empted. */
  private lostTokens: number | undefined;
  private readonly tokenIds: TokenId[] = [];
  private readonly promptTokens: number;
  /** Where in the history the answer begins. */
  private readonly answeredFrom: number;
  private readonly turn: TurnFigures;
  /** Number of the last step that it was part of; 0: none yet. */
  lastStep = 0;

  constructor(
    private readonly request: Omit<GenerationRequest, "blocks" | "tokens">,
    blocks: AgentBlocks,
    private readonly history: TokenHistory,
    /** Order of arrival over all requests. */
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
    this.answeredFrom = Math.max(0, history.length - (request.answeredTokens ?? 0));
    for (const id of history.view(this.answeredFrom, history.length)) this.counts?.add(id);
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

  get sparesRanksBelow(): number | undefined {
    return this.request.sparesRanksBelow;
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

  /** `headroom`: blocks to leave to the running requests. */
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
    if (this.tokenIds.length === 0) this.emitPrefill();
  }

  /** Releases the blocks of its old cache; full ones stay findable. `false` when it has none. */
  releaseOldCache(): boolean {
    const { blocks } = this.candidate();
    if (blocks.table.length === 0) return false;
    blocks.rewind(0);
    return true;
  }

  /** Emits `queued` once per wait. */
  emitQueued(requestsAhead: number): void {
    if (this.queuedEmitted || this.phase.type !== "waiting") return;
    this.queuedEmitted = true;
    const { blockTokens } = this.ports.tables.pool;
    const neededBlocks = blocksFor(slotsAtStart(this.candidate(), blockTokens), blockTokens);
    this.stream.emit({ type: "queued", neededBlocks, requestsAhead });
  }

  // ---- running -----------------------------------------------------------------------------------------------------

  /** Reserves the blocks for its row of a run. `undefined`: it has them all now; else what it still lacks. */
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
   * Blocks that it will need and has not reserved: to the end of its answer, but at most for the next
   * `maxExpectedBlocks` blocks. Without this limit an answer of unknown length would count as the whole pool.
   */
  get expectedBlocks(): number {
    const { blockTokens } = this.ports.tables.pool;
    const answerTokens = Math.min(this.request.maxTokens, this.tokenIds.length + maxExpectedBlocks * blockTokens);
    const slots = slotsNeeded(this.promptTokens, answerTokens);
    if (this.phase.type === "running") return this.phase.sequence.lackingFor(slots);
    const held = this.phase.type === "waiting" ? this.phase.blocks.table.length : 0;
    return Math.max(0, blocksFor(slots, blockTokens) - held);
  }

  /** Blocks that it still has to reserve for its row of a run. */
  lackingFor(row: PlannedRow<GenerationTask>, steps: number): number {
    return this.sequence.lackingFor(this.slotsAfter(row, steps));
  }

  /** The same for the window layers. */
  windowLackingFor(row: PlannedRow<GenerationTask>, steps: number): number {
    return this.sequence.window?.lackingFor(this.slotsAfter(row, steps)) ?? 0;
  }

  /**
   * running → waiting: releases its blocks, full ones stay findable; it continues where it was later. Not during a run.
   */
  preempt(): void {
    const { sequence } = this;
    this.lostTokens = sequence.numComputedTokens;
    sequence.release();
    const blocks = AgentBlocks.empty(this.ports.tables, this.request.owner, this.request.salt);
    this.phase = { type: "waiting", blocks };
    this.queuedEmitted = false;
    this.ports.metrics.countPreemption();
  }

  /** Its row as input for the runner; grows its table to hold the row's tokens. */
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
      ...this.constraint(),
      lookupIds: guesses ? this.history.view(0, this.history.length) : noIds,
      guesser: this.request.owner,
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

  countGuessed(count: number): void {
    this.turn.guessedTokens += count;
  }

  /** Something failed for this request alone: it ends when the run is over, and nothing of the run is counted. */
  failAlone(error: ResidentError): void {
    this.ending = { reason: "failed", error };
  }

  /** Counts the first `numTokens` tokens as computed, as far as they belong to the sequence. */
  commit(numTokens: number): void {
    this.sequence.advance(Math.min(numTokens, this.history.length));
    this.endIfRead();
    this.countRead(this.sequence.numComputedTokens);
  }

  // ---- ending ------------------------------------------------------------------------------------------------------

  /** Carries out the decided ending and hands its cache to the result. Not during a run. */
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

  /** Ends with an error and releases its blocks. Not during a run. */
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

  private constraint(): Pick<SequenceStep, "constraint"> {
    const { grammar } = this.request;
    if (grammar === undefined) return {};
    return { constraint: { grammar, answerIds: this.history.view(this.answeredFrom, this.history.length) } };
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

  /** A stop string may complete on the token that already ended the answer; then the stop string wins. */
  private decideStop(keepTokens: number): void {
    if (this.ending?.reason === "aborted" || this.ending?.reason === "failed") return;
    const kept = Math.max(0, Math.min(Math.floor(keepTokens), this.tokenIds.length));
    this.ending = { reason: "stop", keepTokens: kept };
  }

  /** A read-ahead samples nothing: it ends when its prompt is prefilled. */
  private endIfRead(): void {
    if (this.request.maxTokens > 0 || this.numPendingTokens > 0) return;
    this.ending ??= { reason: "length", keepTokens: 0 };
  }

  /** The first `numTokens` tokens are computed: emits how far the prompt is prefilled when that has changed. */
  private countRead(numTokens: number): void {
    const done = Math.min(numTokens, this.promptTokens) - this.turn.reusedTokens;
    if (done <= this.turn.prefilledTokens) return;
    this.turn.prefilledTokens = done;
    this.emitPrefill();
  }

  private emitPrefill(): void {
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
    if (this.phase.type !== "waiting") throw bug("a request is not waiting", { state: this.phase.type });
    return {
      blocks: this.phase.blocks,
      history: this.history,
      maxTokens: this.numTokensToSample,
      beginsAgain: this.lostTokens !== undefined,
    };
  }
}
