import type { Disposable } from "../common/disposables";
import { AbortedError, type ResidentError, toErrorInfo } from "../common/errors";
import { Emitter, type Event } from "../common/events";
import { type Log, silentLog } from "../common/log";
import { AgentBlocks } from "./agentBlocks";
import { BlockPool } from "./blockPool";
import { type EngineLimits, type EngineOptions, limitsOf, longestRun } from "./engineOptions";
import { classifyFailure } from "./failure";
import type { Generation } from "./generation";
import { GenerationTask } from "./generationTask";
import { bug } from "./invariant";
import { LiveTables, type PoolRun } from "./liveTables";
import { EngineMetrics, type MetricsSnapshot } from "./metrics";
import type { BlockHasher, Clock, MakeRoom, ModelRunner } from "./ports";
import { assertCanEverRun, assertUsable, type GenerationRequest } from "./request";
import { Restore, type RestoreRequest } from "./restore";
import { RoomFinder } from "./roomFinder";
import { RoomMaker } from "./roomMaker";
import { planStep } from "./scheduler";
import { Sequence } from "./sequence";
import { type StepReport, StepRun } from "./stepRun";
import { commonPrefix, keyChain, TokenHistory } from "./tokenHistory";
import { WaitingQueue } from "./waitingQueue";
import { findWindow } from "./windowReuse";

const idleReport: StepReport = { progressed: false, sequences: 0, decodeTokens: 0, prefillTokens: 0, steps: 0 };

/**
 * Runs many requests over one block pool. `submit` accepts, `step` does one pass of schedule → run → commit, and nothing
 * happens between steps: the host steps while `hasWork`, and after a step without progress waits for `onWork`.
 */
export class BlockPoolBatchEngine implements Disposable {
  readonly pool: BlockPool;
  private readonly tables: LiveTables;
  private readonly queue = new WaitingQueue();
  private running: GenerationTask[] = [];
  private readonly room: RoomFinder;
  private readonly roomMaker: RoomMaker;
  private readonly limits: EngineLimits;
  private readonly metrics: EngineMetrics;
  private readonly log: Log;
  private readonly work: Emitter<void>;
  private stepping = false;
  private disposed = false;

  constructor(
    private readonly runner: ModelRunner,
    private readonly hasher: BlockHasher,
    private readonly clock: Clock,
    options: EngineOptions = {},
  ) {
    this.log = options.log ?? silentLog;
    this.limits = limitsOf(options);
    this.work = new Emitter((error) => this.logError(error));
    this.metrics = new EngineMetrics(clock);
    const { geometry } = runner;
    const poolOptions = {
      checked: options.checked ?? false,
      onRoom: () => {
        if (this.queue.length > 0 || this.roomMaker.someonePauses) this.work.fire();
      },
    };
    this.pool = new BlockPool(geometry, poolOptions);
    const window = geometry.window && {
      geometry: { ...geometry.window, stepTokens: longestRun(this.limits), slackTokens: this.limits.windowSlackTokens },
      pool: new BlockPool(
        { totalBlocks: geometry.window.totalBlocks, blockTokens: geometry.blockTokens },
        { ...poolOptions, firstBlock: geometry.totalBlocks },
      ),
    };
    this.tables = new LiveTables(this.pool, window, options.onWindowLeft);
    const makeRoom = options.makeRoom ?? (() => 0);
    const finder = (ask: MakeRoom) =>
      new RoomFinder(
        this.pool,
        ask,
        () => this.work.fire(),
        (error) => this.logError(error),
      );
    this.room = finder(makeRoom);
    this.roomMaker = new RoomMaker({
      tables: this.tables,
      queue: this.queue,
      // Not the one above: a request that waits may be answered only when a running one has ended.
      finder: finder(options.makeRoomNow ?? makeRoom),
      running: () => this.running,
      preempt: (task) => this.preempt(task),
    });
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
    const blocks = request.blocks ?? this.emptyBlocks(owner, salt);
    blocks.rewind(commonPrefix(blocks.tokenIds, tokens));
    const chain = keyChain(this.hasher, this.pool.blockTokens, salt);
    const history = TokenHistory.growing(chain, tokens, tokens.length + request.maxTokens, [...blocks.keys]);
    const mine = new AgentBlocks(this.tables, { ...blocks.moveOut(), owner });
    const task = new GenerationTask(request, mine, history, {
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
      const admitted = this.admitWaiting();
      const report = await this.runOnce();
      const concluded = this.concludeEnded();
      return { ...report, progressed: report.progressed || admitted || concluded };
    } finally {
      this.stepping = false;
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

  /** Takes blocks for a cache that lies elsewhere; see `Restore`. */
  beginRestore(request: RestoreRequest): Restore {
    const chain = keyChain(this.hasher, this.pool.blockTokens, request.salt);
    return Restore.begin(this.tables, chain, request);
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

  private emptyBlocks(owner: string, salt: string | undefined): AgentBlocks {
    const { epoch } = this.pool;
    return new AgentBlocks(this.tables, {
      owner,
      salt,
      epoch,
      tokenIds: new Int32Array(0),
      table: [],
      windowTable: [],
      keys: [],
    });
  }

  /** What the blocks hold is unknown from now on. */
  private forgetContents(): void {
    this.pool.forgetContents();
    this.windowPool?.forgetContents();
  }

  /** Starts those at the queue's head that fit; the order is kept. */
  private admitWaiting(): boolean {
    let admitted = false;
    for (let task = this.queue.head; task !== undefined; task = this.queue.head) {
      if (this.running.length >= this.limits.maxSequences || this.roomMaker.someonePauses) break;
      const plan = task.planAdmission(this.running.length);
      if (plan.missingBlocks > 0) {
        if (this.findRoom(task, plan.missingBlocks)) continue;
        break;
      }
      this.queue.delete(task);
      this.running.push(task);
      task.admit(plan);
      admitted = true;
    }
    for (const [requestsAhead, task] of this.queue.inOrder().entries()) task.tellQueued(requestsAhead);
    return admitted;
  }

  /**
   * Idle caches first. Where nothing runs that would give blocks back, the waiting ones that came last lose their old
   * caches: two that wait, each holding what the other lacks, would wait for ever.
   */
  private findRoom(task: GenerationTask, missingBlocks: number): boolean {
    const room = this.room.find(task, missingBlocks);
    if (room !== "none" || this.running.length > 0) return room === "found";
    return this.queue.takeLastCache(task);
  }

  private async runOnce(): Promise<StepReport> {
    const arrivals = this.queue.arrivals;
    const copied = await this.makeCopies();
    const plan = this.roomMaker.secure(
      planStep(
        this.running.filter((task) => !task.isEnding),
        this.limits,
      ),
    );
    if (plan.rows.length === 0) return { ...idleReport, progressed: copied };
    const run = new StepRun(plan);
    try {
      const report = await run.on(this.runner, () => this.queue.arrivals !== arrivals);
      this.metrics.countPrefill(report.prefillTokens);
      return report;
    } catch (error) {
      this.absorb(error, run.tasks);
      return { ...idleReport, progressed: true };
    }
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

  /** Ends those whom a failed run or copy concerns; the others go on. */
  private absorb(thrown: unknown, tasks: readonly GenerationTask[]): void {
    const failure = classifyFailure(thrown);
    switch (failure.type) {
      case "refused": {
        const guilty = failure.sequence === undefined ? undefined : tasks[failure.sequence];
        for (const task of guilty === undefined ? tasks : [guilty]) this.fail(task, failure.error);
        return;
      }
      case "aborted":
        for (const task of tasks) task.stream.abort();
        return;
      case "unknownContents":
        this.log.log("error", `the device failed, all caches in the pool are dropped: ${failure.error.message}`);
        for (const task of [...this.running, ...this.queue.inOrder()]) this.fail(task, failure.error);
        this.forgetContents();
        return;
    }
  }

  private fail(task: GenerationTask, error: ResidentError): void {
    this.forget(task);
    task.fail(error);
  }

  /** A request is to end: at once when no step has its blocks, else when the step is over. */
  private end(task: GenerationTask, decide: () => void): void {
    if (task.state === "ended") return;
    decide();
    if (this.stepping && task.state === "running") return;
    this.forget(task);
    task.conclude();
    this.work.fire();
  }

  private concludeEnded(): boolean {
    const ended = this.running.filter((task) => task.isEnding);
    this.running = this.running.filter((task) => !task.isEnding);
    for (const task of ended) task.conclude();
    return ended.length > 0;
  }

  private forget(task: GenerationTask): void {
    this.queue.delete(task);
    this.running = this.running.filter((other) => other !== task);
  }

  private logError(error: unknown): void {
    const { code, what } = toErrorInfo(error);
    this.log.log("error", `a caller's code failed: ${code}: ${what}`);
  }
}
