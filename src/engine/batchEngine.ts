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
 * Runs many requests over one block pool. `submit` accepts, `step` does one pass of schedule → run → commit, and nothing
 * happens between steps: the host steps while `hasWork`, and after a step without progress waits for `onWork`.
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
  /** The engine itself is looking for blocks: what that changes is no news. */
  private looking = false;
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
    this.requests = new Requests((listener) => this.tell(listener));
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
      look: (work) => this.look(work),
      onBroken: (error) => this.dropAll(error),
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
    return this.requests.running.length + this.requests.queue.length > 0;
  }

  /** Requests that have not begun: for lack of blocks, or since a step is under way. */
  get numWaiting(): number {
    return this.requests.queue.length;
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
    // Unheard: an idle cache that gives blocks up must not be dropped for others while it is submitted.
    this.look(() => blocks.rewind(commonPrefix(blocks.tokenIds, tokens)));
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

  /** One pass. Never rejects for what happens to requests: they hear it themselves. Not reentrant. */
  async step(): Promise<StepReport> {
    if (this.stepping) throw bug("a step was begun inside a step");
    this.stepping = true;
    try {
      const admitted = this.look(() => this.admitter.admit());
      const report = await this.stepper.run();
      const concluded = this.requests.concludeEnded();
      return { ...report, progressed: report.progressed || admitted || concluded };
    } catch (error) {
      // A bug of ours. No answer may wait for ever because of it.
      this.dropAll(asResidentError(error));
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
    const source = { space: this.space, headroom: this.requests.headroomFor(priority) };
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
    for (const task of this.requests.all) task.stream.abort();
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

  /** What the blocks hold is unknown from now on: idle caches are of no use any more. */
  private forgetContents(): void {
    this.pool.forgetContents();
    this.windowPool?.forgetContents();
    // Unheard until all are gone: a restore that waits would drop some of them for itself meanwhile.
    this.look(() => {
      for (const [blocks, terms] of [...this.tables.idle]) {
        blocks.release();
        this.tell(terms.onDropped);
      }
    });
    this.spaceChanged();
  }

  /** Blocks were freed, became idle, or are held no more: those that wait for some look again. */
  private spaceChanged(): void {
    if (this.looking) return;
    if (!this.stepping) this.serveRestores();
    if (this.requests.someoneWaits) this.work.fire();
  }

  private serveRestores(): void {
    if (this.looking) return;
    const served = this.look(() => this.space.serve(this.requests));
    // Requests that came after a restore may start now.
    if (served && this.requests.queue.length > 0) this.work.fire();
  }

  private look<T>(work: () => T): T {
    this.looking = true;
    try {
      return work();
    } finally {
      this.looking = false;
    }
  }

  /** The device failed: every request fails with it, and nothing in the pool is trusted any more. */
  private dropAll(error: ResidentError): void {
    this.tell(() => this.log.log("error", `all caches in the pool are dropped: ${error.message}`));
    for (const task of this.requests.all) this.requests.fail(task, error);
    this.forgetContents();
    this.tell(this.onBroken);
  }

  /** A request is to end: at once when no step has its blocks, else when the step is over. */
  private end(task: GenerationTask, decide: () => void): void {
    if (task.state === "ended") return;
    decide();
    if (this.stepping && task.state === "running") return;
    this.requests.conclude(task);
    this.spaceChanged();
    this.work.fire();
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
