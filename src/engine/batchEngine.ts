import type { Disposable } from "../common/disposables";
import { AbortedError, type ResidentError, toErrorInfo } from "../common/errors";
import { Emitter, type Event } from "../common/events";
import { type Log, silentLog } from "../common/log";
import type { AdmissionPlan } from "./admission";
import { AgentBlocks } from "./agentBlocks";
import { BlockPool } from "./blockPool";
import { type EngineLimits, type EngineOptions, limitsOf, longestRun } from "./engineOptions";
import { asResidentError, classifyFailure } from "./failure";
import type { Generation } from "./generation";
import { GenerationTask } from "./generationTask";
import { bug } from "./invariant";
import { LiveTables, type OnWindowLeft, type PoolRun } from "./liveTables";
import { EngineMetrics, type MetricsSnapshot } from "./metrics";
import type { BlockHasher, Clock, ModelRunner } from "./ports";
import { assertCanEverRun, assertUsable, type GenerationRequest, type Priority } from "./request";
import { Restore, type RestoreRequest } from "./restore";
import { type BlockSources, secureRows } from "./rowSecurer";
import { planStep, type StepPlan } from "./scheduler";
import { Sequence } from "./sequence";
import { Space } from "./space";
import { SteadyClock } from "./steadyClock";
import { StepMemory } from "./stepMemory";
import { type StepReport, StepRun } from "./stepRun";
import { commonPrefix, keyChain, TokenHistory } from "./tokenHistory";
import { WaitingQueue } from "./waitingQueue";
import { findWindow } from "./windowReuse";

const idleReport: StepReport = { progressed: false, sequences: 0, decodeTokens: 0, prefillTokens: 0, steps: 0 };

const emptyPlan: StepPlan<GenerationTask> = { rows: [], steps: 1, guesses: false };

/**
 * Runs many requests over one block pool. `submit` accepts, `step` does one pass of schedule → run → commit, and nothing
 * happens between steps: the host steps while `hasWork`, and after a step without progress waits for `onWork`.
 */
export class BlockPoolBatchEngine implements Disposable {
  readonly pool: BlockPool;
  private readonly tables: LiveTables;
  private readonly queue = new WaitingQueue();
  private running: GenerationTask[] = [];
  private readonly space: Space;
  private readonly sources: BlockSources;
  private readonly memory = new StepMemory();
  private readonly clock: Clock;
  private readonly limits: EngineLimits;
  private readonly metrics: EngineMetrics;
  private readonly log: Log;
  private readonly work: Emitter<void>;
  private readonly onBroken: () => void;
  /** Requests of a step that failed without a word of who is to blame: each runs alone until it has shown itself. */
  private suspects: readonly GenerationTask[] = [];
  private arrivals = 0;
  private steps = 0;
  private stepping = false;
  /** The engine itself is looking for blocks: what that changes is no news. */
  private looking = false;
  /** Running requests that lacked blocks for the last step. */
  private paused: readonly GenerationTask[] = [];
  private disposed = false;

  constructor(
    private readonly runner: ModelRunner,
    private readonly hasher: BlockHasher,
    clock: Clock,
    options: EngineOptions = {},
  ) {
    this.log = options.log ?? silentLog;
    this.limits = limitsOf(options);
    this.onBroken = options.onBroken ?? (() => {});
    const logError = (error: unknown) => this.logError(error);
    this.work = new Emitter(logError);
    this.clock = new SteadyClock(clock, logError);
    this.metrics = new EngineMetrics(this.clock);
    const { geometry } = runner;
    const spaceChanged = () => this.spaceChanged();
    const poolOptions = { checked: options.checked ?? false };
    this.pool = new BlockPool(geometry, poolOptions);
    const window = geometry.window && {
      geometry: { ...geometry.window, stepTokens: longestRun(this.limits), slackTokens: this.limits.windowSlackTokens },
      pool: new BlockPool(
        { totalBlocks: geometry.window.totalBlocks, blockTokens: geometry.blockTokens },
        { ...poolOptions, firstBlock: geometry.totalBlocks },
      ),
    };
    this.tables = new LiveTables(this.pool, window, guarded(options.onWindowLeft, logError), spaceChanged);
    this.space = new Space(this.tables, logError);
    this.sources = {
      tables: this.tables,
      space: this.space,
      queue: this.queue,
      running: () => this.running,
      preempt: (task) => this.preempt(task),
    };
  }

  /** Blocks of the layers with a window, where they have their own. */
  get windowPool(): BlockPool | undefined {
    return this.tables.window?.pool;
  }

  /** Tokens that these layers see; absent: there are none apart. */
  get windowTokens(): number | undefined {
    return this.tables.window?.geometry.tokens;
  }

  /** Fires when a step may find work again: a request came or ended, or blocks became available while some wait. */
  get onWork(): Event<void> {
    return this.work.event;
  }

  get hasWork(): boolean {
    return this.running.length > 0 || this.queue.length > 0;
  }

  /** Requests that have not begun: for lack of blocks, or since a step is under way. */
  get numWaiting(): number {
    return this.queue.length;
  }

  /**
   * Accepts a request, or throws at once what could never run: INVALID_REQUEST, CONTEXT_FULL, POOL_EXHAUSTED. What fits
   * the pool but not now waits its turn; once accepted a request does not fail for lack of blocks.
   */
  submit(request: GenerationRequest): Generation {
    if (this.disposed) throw new AbortedError("the engine was closed");
    assertCanEverRun(request, this.runner.geometry, this.tables.window?.geometry);
    if (request.blocks !== undefined) assertUsable(request.blocks, this.pool, request.salt);
    const { tokens, salt, owner } = request;
    // Before the cache is touched: a request that is refused leaves it as it was.
    const chain = keyChain(this.hasher, this.pool.blockTokens, salt);
    const blocks = request.blocks ?? AgentBlocks.empty(this.tables, owner, salt);
    blocks.rewind(commonPrefix(blocks.tokenIds, tokens));
    const history = TokenHistory.growing(chain, tokens, tokens.length + request.maxTokens, [...blocks.keys]);
    const mine = new AgentBlocks(this.tables, { ...blocks.moveOut(), owner });
    this.arrivals += 1;
    const task = new GenerationTask(request, mine, history, this.arrivals, {
      tables: this.tables,
      clock: this.clock,
      metrics: this.metrics,
      onListenerError: (error) => this.logError(error),
      end: (ended, decide) => this.end(ended, decide),
    });
    this.queue.add(task);
    this.work.fire();
    return task.stream;
  }

  /** One pass. Never rejects for what happens to requests: they hear it themselves. Not reentrant. */
  async step(): Promise<StepReport> {
    if (this.stepping) throw bug("a step was begun inside a step");
    this.stepping = true;
    try {
      const admitted = this.look(() => this.admitWaiting());
      const report = await this.runOnce();
      const concluded = this.concludeEnded();
      return { ...report, progressed: report.progressed || admitted || concluded };
    } catch (error) {
      // A bug of ours. No answer may wait for ever because of it.
      this.failAll(asResidentError(error));
      return { ...idleReport, progressed: true };
    } finally {
      this.stepping = false;
      this.serveRestores();
    }
  }

  /** AgentBlocks → live sequence that no request runs: a table move, O(blocks). Ends the handle. */
  reconstructCache(blocks: AgentBlocks): Sequence {
    assertUsable(blocks, this.pool, blocks.salt);
    return Sequence.reconstruct(this.tables, blocks, this.historyOf(blocks));
  }

  /** Live sequence → AgentBlocks: a table move, O(blocks). Ends the sequence. */
  extractCache(sequence: Sequence): AgentBlocks {
    return sequence.extract();
  }

  /** Whether a prompt whose first `numTokens` tokens `blocks` hold could go on there: the window before it is in the pool. */
  hasWindow(blocks: AgentBlocks, numTokens: number): boolean {
    const { window } = this.tables;
    if (window === undefined) return true;
    const own = { table: blocks.windowTable, numTokens: blocks.numTokens, blocksAt: () => blocks.windowTable.length };
    return findWindow(window, this.historyOf(blocks), own, numTokens).numTokens === numTokens;
  }

  /** Takes blocks for a cache that lies elsewhere, from idle caches too; see `Restore`. */
  beginRestore(request: RestoreRequest): Restore {
    const { salt, priority = "normal" } = request;
    const chain = keyChain(this.hasher, this.pool.blockTokens, salt);
    const source = { space: this.space, headroom: this.restoreHeadroom(priority) };
    return Restore.begin(this.tables, chain, request, source);
  }

  /**
   * The same for an answer, in its turn: when `blocks` blocks can be had, or when nothing that runs will give any back.
   * Requests that come later do not start before. `onBegin` is called right before it begins. Resolves with `undefined`
   * when the signal aborts first.
   */
  async beginRestoreInTurn(
    request: RestoreRequest,
    blocks: number,
    { signal, onBegin }: { readonly signal?: AbortSignal | undefined; readonly onBegin?: () => void } = {},
  ): Promise<Restore | undefined> {
    if (signal?.aborted) return undefined;
    this.arrivals += 1;
    const begin = () => {
      onBegin?.();
      return this.beginRestore(request);
    };
    const restore = this.space.wait(blocks, this.arrivals, begin, signal);
    this.serveRestores();
    return restore;
  }

  /** Ends every request as "aborted". Those in a step under way end with it. */
  abortAll(): void {
    for (const task of [...this.queue.inOrder(), ...this.running]) task.stream.abort();
  }

  /** Ends every request; caches that were handed out are stale from now on. */
  dispose(): void {
    this.disposed = true;
    this.abortAll();
    this.forgetContents();
    this.work.dispose();
  }

  metricsSnapshot(): MetricsSnapshot {
    return this.metrics.snapshot({
      kvCacheUsage: this.pool.referencedBlocks / this.pool.totalBlocks,
      numRequestsRunning: this.running.length,
      numRequestsWaiting: this.numWaiting,
    });
  }

  /** The pool as runs of blocks by state and owner, in id order. */
  poolMap(): readonly PoolRun[] {
    return this.tables.map();
  }

  /** Throws unless the pool is consistent and its references are exactly those of the live tables. O(pool). */
  assertInvariants(): void {
    this.pool.assertInvariants();
    this.windowPool?.assertInvariants();
    this.tables.assertInvariants();
  }

  private historyOf({ salt, tokenIds, keys }: AgentBlocks): TokenHistory {
    return TokenHistory.of(keyChain(this.hasher, this.pool.blockTokens, salt), tokenIds, [...keys]);
  }

  /** What the blocks hold is unknown from now on: idle caches are of no use any more. */
  private forgetContents(): void {
    this.pool.forgetContents();
    this.windowPool?.forgetContents();
    for (const [blocks, terms] of [...this.tables.idle]) {
      blocks.release();
      this.tell(terms.onDropped);
    }
  }

  /** Blocks were freed, became idle, or are held no more: whoever waits for some looks again. */
  private spaceChanged(): void {
    if (this.looking) return;
    if (!this.stepping) this.serveRestores();
    if (this.queue.length > 0 || this.someonePauses) this.work.fire();
  }

  /** Somebody who runs waits for blocks: nothing new starts. */
  private get someonePauses(): boolean {
    return this.paused.some((task) => task.state === "running" && !task.isEnding);
  }

  private serveRestores(): void {
    if (this.looking) return;
    const nextArrival = this.queue.head?.priority === "normal" ? this.queue.head.arrival : undefined;
    const requests = { numRunning: this.running.length, nextArrival };
    const served = this.look(() => this.space.serve(requests, this.running.length));
    // Requests that came after a restore may start now.
    if (served && this.queue.length > 0) this.work.fire();
  }

  private look<T>(work: () => T): T {
    this.looking = true;
    try {
      return work();
    } finally {
      this.looking = false;
    }
  }

  /** As many blocks as admission leaves; a read ahead also leaves what all answers may need to their ends. */
  private restoreHeadroom(priority: Priority): number {
    if (priority === "normal") return this.running.length;
    const answers = [...this.running, ...this.queue.inOrder()].filter((task) => task.priority === "normal");
    return this.running.length + answers.reduce((sum, task) => sum + task.blocksToEnd, 0);
  }

  /** Starts those at the queue's head that fit; the order is kept. */
  private admitWaiting(): boolean {
    let admitted = false;
    for (let task = this.queue.head; task !== undefined; task = this.queue.head) {
      if (this.running.length >= this.limits.maxSequences || this.someonePauses) break;
      const waiting = this.space.firstArrival;
      if (waiting !== undefined && (waiting < task.arrival || task.priority === "low")) break;
      try {
        const plan = task.planAdmission(this.running.length);
        if (plan.missingBlocks > 0 || plan.missingWindowBlocks > 0) {
          if (this.findSpace(task, plan)) continue;
          break;
        }
        this.queue.delete(task);
        this.running.push(task);
        task.admit(plan);
      } catch (error) {
        this.fail(task, asResidentError(error));
      }
      admitted = true;
    }
    for (const [requestsAhead, task] of this.queue.inOrder().entries()) task.tellQueued(requestsAhead);
    return admitted;
  }

  /**
   * Idle caches first. Where nothing runs that would give blocks back, the waiting ones that came last lose their old
   * caches: two that wait, each holding what the other lacks, would wait for ever. At last the request gives up its own,
   * which may share blocks with idle ones. `false`: wait for a change.
   */
  private findSpace(task: GenerationTask, { missingBlocks, missingWindowBlocks }: AdmissionPlan): boolean {
    const found = missingWindowBlocks > 0 ? "none" : this.space.find(missingBlocks);
    if (found !== "none" || this.running.length > 0) return found === "available";
    return this.queue.takeLastCache(task) || task.releaseOldCache();
  }

  private async runOnce(): Promise<StepReport> {
    const arrivals = this.queue.arrivals;
    const copied = await this.makeCopies();
    const plan = this.look(() => this.planRun());
    if (plan.rows.length === 0) return { ...idleReport, progressed: copied };
    this.steps += 1;
    for (const { request } of plan.rows) request.lastStep = this.steps;
    const run = new StepRun(plan);
    try {
      const report = await run.on(this.runner, () => this.queue.arrivals !== arrivals);
      this.memory.fitted(plan);
      this.suspects = this.suspects.filter((task) => !run.tasks.includes(task));
      this.metrics.countPrefill(report.prefillTokens);
      return report;
    } catch (error) {
      this.absorb(error, run.tasks, plan);
      return { ...idleReport, progressed: true };
    }
  }

  /** What runs next: of the suspects one alone, else all, as far as there are blocks and memory. */
  private planRun(): StepPlan<GenerationTask> {
    const ready = this.running.filter((task) => !task.isEnding);
    this.suspects = this.suspects.filter((task) => ready.includes(task));
    const others = ready.filter((task) => !this.suspects.includes(task));
    let secured: ReturnType<typeof secureRows> = { plan: emptyPlan, paused: [] };
    for (const tasks of [...this.suspects.map((task) => [task]), others]) {
      const running = tasks.filter((task) => task.state === "running");
      secured = secureRows(this.memory.limit(planStep(running, this.limits)), this.sources);
      if (secured.plan.rows.length > 0) break;
    }
    this.paused = secured.paused;
    return secured.plan;
  }

  /** Copy on write, before a sequence's first step. `false` when there was none to make. */
  private async makeCopies(): Promise<boolean> {
    const tasks = this.running.filter((task) => task.sequence.pendingCopies.length > 0);
    for (const task of tasks) {
      for (const copy of task.state === "running" ? task.sequence.pendingCopies : []) {
        try {
          await this.runner.copyBlock(copy.from, copy.to, copy.tokens);
          task.sequence.copied(copy);
        } catch (error) {
          this.absorb(error, [task]);
          break;
        }
      }
    }
    return tasks.length > 0;
  }

  /** Younger than whoever needs its blocks: begins again when there is room to its end. */
  private preempt(task: GenerationTask): void {
    this.running = this.running.filter((other) => other !== task);
    task.preempt();
    this.queue.putBack(task);
  }

  /**
   * Ends those whom a failed run or copy concerns; the others go on. A step that did not fit into memory is tried again
   * with fewer tokens. Where nobody is named, each request of the step runs alone next, and fails alone.
   */
  private absorb(thrown: unknown, tasks: readonly GenerationTask[], plan?: StepPlan<GenerationTask>): void {
    const failure = classifyFailure(thrown);
    switch (failure.type) {
      case "intact": {
        if (failure.isMemory && plan !== undefined && this.memory.didNotFit(plan)) return;
        const guilty = tasks[failure.sequence ?? (tasks.length === 1 ? 0 : -1)];
        if (guilty !== undefined) this.fail(guilty, failure.error);
        else this.suspects = tasks;
        return;
      }
      case "aborted":
        for (const task of tasks) task.stream.abort();
        return;
      case "unknown":
        this.log.log("error", `the device failed, all caches in the pool are dropped: ${failure.error.message}`);
        this.failAll(failure.error);
        return;
    }
  }

  /** Every request fails and nothing in the pool is trusted any more. */
  private failAll(error: ResidentError): void {
    for (const task of [...this.running, ...this.queue.inOrder()]) this.fail(task, error);
    this.forgetContents();
    this.tell(this.onBroken);
  }

  private fail(task: GenerationTask, error: ResidentError): void {
    this.forget(task);
    this.tell(() => task.fail(error));
  }

  /** A request is to end: at once when no step has its blocks, else when the step is over. */
  private end(task: GenerationTask, decide: () => void): void {
    if (task.state === "ended") return;
    decide();
    if (this.stepping && task.state === "running") return;
    this.forget(task);
    this.conclude(task);
    this.spaceChanged();
    this.work.fire();
  }

  private conclude(task: GenerationTask): void {
    try {
      task.conclude();
    } catch (error) {
      this.tell(() => task.fail(asResidentError(error)));
    }
  }

  private concludeEnded(): boolean {
    const ended = this.running.filter((task) => task.isEnding);
    this.running = this.running.filter((task) => !task.isEnding);
    for (const task of ended) this.conclude(task);
    return ended.length > 0;
  }

  private forget(task: GenerationTask): void {
    this.queue.delete(task);
    this.running = this.running.filter((other) => other !== task);
  }

  /** Calls code that is not to disturb what goes on here. */
  private tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.logError(error);
    }
  }

  private logError(error: unknown): void {
    const { code, what } = toErrorInfo(error);
    this.log.log("error", `a caller's code failed: ${code}: ${what}`);
  }
}

/** A block that cannot be kept leaves its window all the same. */
function guarded(keep: OnWindowLeft | undefined, onError: (error: unknown) => void): OnWindowLeft {
  return (left) => {
    try {
      return keep?.(left);
    } catch (error) {
      onError(error);
      return undefined;
    }
  };
}
