import type { Disposable } from "../common/disposables";
import { AbortedError, type ResidentError, toErrorInfo } from "../common/errors";
import { Emitter, type Event } from "../common/events";
import { type Log, silentLog } from "../common/log";
import { Admitter } from "./admitter";
import { AgentBlocks } from "./agentBlocks";
import { BlockPool } from "./blockPool";
import { type EngineOptions, limitsOf, longestRun } from "./engineOptions";
import { asResidentError } from "./failure";
import type { Generation } from "./generation";
import { GenerationTask } from "./generationTask";
import { bug } from "./invariant";
import { LiveTables, type OnWindowLeft, type PoolRun } from "./liveTables";
import { EngineMetrics, type MetricsSnapshot } from "./metrics";
import type { BlockHasher, Clock, ModelRunner } from "./ports";
import { assertCanEverRun, assertUsable, type GenerationRequest } from "./request";
import { Requests } from "./requests";
import { Restore, type RestoreRequest } from "./restore";
import { Sequence } from "./sequence";
import { Space } from "./space";
import { SteadyClock } from "./steadyClock";
import { Stepper } from "./stepper";
import { idleReport, type StepReport } from "./stepRun";
import { commonPrefix, keyChain, TokenHistory } from "./tokenHistory";
import { findWindow } from "./windowReuse";

/**
 * Runs many requests over one block pool. `submit` accepts a request, `step` does one pass of schedule → run → commit,
 * and nothing is computed between steps: the host steps while `hasWork`, and waits for `onWork` after a step without
 * progress.
 */
export class BlockPoolBatchEngine implements Disposable {
  readonly pool: BlockPool;
  private readonly tables: LiveTables;
  private readonly requests: Requests;
  private readonly space: Space;
  private readonly admitter: Admitter;
  private readonly stepper: Stepper;
  private readonly clock: Clock;
  private readonly metrics: EngineMetrics;
  private readonly log: Log;
  private readonly work: Emitter<void>;
  private readonly onBroken: () => void;
  private arrivals = 0;
  private stepping = false;
  /** The engine itself is changing what blocks are available: it must not wake waiting work for that. */
  private wakeUpsSuppressed = false;
  private disposed = false;

  constructor(
    private readonly runner: ModelRunner,
    private readonly hasher: BlockHasher,
    clock: Clock,
    options: EngineOptions = {},
  ) {
    this.log = options.log ?? silentLog;
    const limits = limitsOf(options);
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
      geometry: { ...geometry.window, stepTokens: longestRun(limits), slackTokens: limits.windowSlackTokens },
      pool: new BlockPool(
        { totalBlocks: geometry.window.totalBlocks, blockTokens: geometry.blockTokens },
        { ...poolOptions, firstBlock: geometry.totalBlocks },
      ),
    };
    this.tables = new LiveTables(this.pool, window, guarded(options.onWindowLeft, logError), spaceChanged);
    this.space = new Space(this.tables, logError);
    this.requests = new Requests((listener) => this.callListener(listener));
    const { tables, requests, space, metrics } = this;
    this.admitter = new Admitter(requests, space, limits.maxSequences);
    this.stepper = new Stepper({
      tables,
      requests,
      space,
      metrics,
      runner,
      limits,
      clock: this.clock,
      withoutWakeUps: (work) => this.withoutWakeUps(work),
      onBroken: (error) => this.dropAll(error),
    });
  }

  /** Blocks of the window layers, where these have a pool of their own. */
  get windowPool(): BlockPool | undefined {
    return this.tables.window?.pool;
  }

  /** Tokens that the window layers attend to; `undefined` where they have no pool of their own. */
  get windowTokens(): number | undefined {
    return this.tables.window?.geometry.tokens;
  }

  /** Fires when a step may find work again: a request came or ended, or blocks became available while requests wait. */
  get onWork(): Event<void> {
    return this.work.event;
  }

  get hasWork(): boolean {
    return this.requests.running.length + this.requests.queue.length > 0;
  }

  /** Requests that have not started: there are too few blocks, or a step is under way. */
  get numWaiting(): number {
    return this.requests.queue.length;
  }

  /**
   * Accepts a request. Throws at once when the request could never run: INVALID_REQUEST, CONTEXT_FULL, POOL_EXHAUSTED.
   * A request that fits the pool but not now waits; an accepted request does not fail for lack of blocks.
   */
  submit(request: GenerationRequest): Generation {
    if (this.disposed) throw new AbortedError("the engine was closed");
    assertCanEverRun(request, this.runner.geometry, this.tables.window?.geometry);
    if (request.blocks !== undefined) assertUsable(request.blocks, this.pool, request.salt);
    const { tokens, salt, owner } = request;
    // Before the cache is changed: a refused request must leave it as it was.
    const chain = keyChain(this.hasher, this.pool.blockTokens, salt);
    const blocks = request.blocks ?? AgentBlocks.empty(this.tables, owner, salt);
    // Without waking waiting work: it could drop this cache, which may be idle, in the middle of `submit`.
    this.withoutWakeUps(() => blocks.rewind(commonPrefix(blocks.tokenIds, tokens)));
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
    this.requests.queue.add(task);
    this.work.fire();
    return task.stream;
  }

  /** One pass. Never rejects when requests fail: each failure goes to its own request. Not reentrant. */
  async step(): Promise<StepReport> {
    if (this.stepping) throw bug("a step was started inside a step");
    this.stepping = true;
    try {
      const admitted = this.withoutWakeUps(() => this.admitter.admit());
      const report = await this.stepper.run();
      const concluded = this.requests.concludeEnded();
      return { ...report, progressed: report.progressed || admitted || concluded };
    } catch (error) {
      // A bug in the engine. No answer may wait for ever because of it.
      this.dropAll(asResidentError(error));
      return { ...idleReport, progressed: true };
    } finally {
      this.stepping = false;
      this.serveRestores();
    }
  }

  /** AgentBlocks → live sequence without a request: moves the table, O(blocks). Ends the handle. */
  reconstructCache(blocks: AgentBlocks): Sequence {
    assertUsable(blocks, this.pool, blocks.salt);
    return Sequence.reconstruct(this.tables, blocks, this.historyOf(blocks));
  }

  /** Live sequence → AgentBlocks: moves the table, O(blocks). Ends the sequence. */
  extractCache(sequence: Sequence): AgentBlocks {
    return sequence.extract();
  }

  /**
   * Whether a prompt can continue after the first `numTokens` tokens of `blocks`: the window before them is in the
   * pool.
   */
  hasWindow(blocks: AgentBlocks, numTokens: number): boolean {
    const { window } = this.tables;
    if (window === undefined) return true;
    const own = { table: blocks.windowTable, numTokens: blocks.numTokens, blocksAt: () => blocks.windowTable.length };
    return findWindow(window, this.historyOf(blocks), own, numTokens).numTokens === numTokens;
  }

  /** Takes blocks, from idle caches too, for a cache that is stored elsewhere; see `Restore`. */
  beginRestore(request: RestoreRequest): Restore {
    const { salt, priority = "normal" } = request;
    const chain = keyChain(this.hasher, this.pool.blockTokens, salt);
    const source = { space: this.space, headroom: this.requests.headroomFor(priority) };
    return Restore.begin(this.tables, chain, request, source);
  }

  /**
   * The same for an answer, in order of arrival: it begins when `blocks` blocks are available, or when nothing runs
   * that could release any. Later requests do not start before it. `onBegin` is called right before it begins. Resolves
   * with `undefined` when the signal aborts first.
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

  /** Ends every request as "aborted". Requests in a running step end with that step. */
  abortAll(): void {
    for (const task of this.requests.all) task.stream.abort();
  }

  /** Ends every request; caches that callers hold become stale. */
  dispose(): void {
    this.disposed = true;
    this.abortAll();
    this.forgetContents();
    this.work.dispose();
  }

  metricsSnapshot(): MetricsSnapshot {
    return this.metrics.snapshot({
      kvCacheUsage: this.pool.referencedBlocks / this.pool.totalBlocks,
      numRequestsRunning: this.requests.running.length,
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

  /** Marks the contents of all blocks as unknown and releases the idle caches, which are useless now. */
  private forgetContents(): void {
    this.pool.forgetContents();
    this.windowPool?.forgetContents();
    // Without waking waiting work until all are released: a waiting restore would drop some of them itself.
    this.withoutWakeUps(() => {
      for (const [blocks, terms] of [...this.tables.idle]) {
        blocks.release();
        this.callListener(terms.onDropped);
      }
    });
    this.spaceChanged();
  }

  /** Blocks became free or idle: restores and requests that wait for blocks try again. */
  private spaceChanged(): void {
    if (this.wakeUpsSuppressed) return;
    if (!this.stepping) this.serveRestores();
    if (this.requests.anyWaiting) this.work.fire();
  }

  private serveRestores(): void {
    if (this.wakeUpsSuppressed) return;
    const served = this.withoutWakeUps(() => this.space.serve(this.requests));
    // Requests that came after a restore may start now.
    if (served && this.requests.queue.length > 0) this.work.fire();
  }

  private withoutWakeUps<T>(work: () => T): T {
    this.wakeUpsSuppressed = true;
    try {
      return work();
    } finally {
      this.wakeUpsSuppressed = false;
    }
  }

  /** The device failed: fails every request with `error` and drops all contents of the pool. */
  private dropAll(error: ResidentError): void {
    this.callListener(() => this.log.log("error", `all caches in the pool are dropped: ${error.message}`));
    for (const task of this.requests.all) this.requests.fail(task, error);
    this.forgetContents();
    this.callListener(this.onBroken);
  }

  /** Ends a request: at once when no step uses its blocks, else when the step is over. */
  private end(task: GenerationTask, decide: () => void): void {
    if (task.state === "ended") return;
    decide();
    if (this.stepping && task.state === "running") return;
    this.requests.conclude(task);
    this.spaceChanged();
    this.work.fire();
  }

  /** Calls a caller's code; its errors are logged and do not reach the engine. */
  private callListener(listener: () => void): void {
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

/** When `keep` throws, the block leaves its window all the same. */
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
