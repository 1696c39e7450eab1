import { toErrorInfo } from "../../common/errors";
import type { Log } from "../../common/log";
import type { Clock } from "../../engine/ports";
import type { ChatRequest, Running, SamplingOptions, ThreadsStatus, ThreadTurn } from "../../protocol/service";
import type { BlockStore } from "../../store/blockStore";
import type { ThreadFiles } from "../../store/threadFiles";
import { dayOf } from "../../text/strftime";
import { endUnanswered } from "../endUnanswered";
import type { ModelAccess } from "../ports";
import { RunningAnswer } from "../runningAnswer";
import { Wait } from "../wait";
import { Departures } from "./departures";
import type { Thread } from "./thread";
import { type ThreadAnswer, ThreadAnswers } from "./threadAnswers";
import { ThreadArchive } from "./threadArchive";
import { ThreadBook } from "./threadBook";
import { type CacheLimits, ThreadCaches } from "./threadCaches";
import { ThreadTools } from "./threadTools";

export interface ThreadsOptions {
  readonly models: ModelAccess;
  readonly blocks: BlockStore;
  readonly files: ThreadFiles;
  readonly clock: Clock;
  readonly wallClockMs: () => number;
  /** The user's settings for answers at the moment. */
  readonly sampling: () => SamplingOptions;
  /** Bytes that the store may take at the moment. */
  readonly storeQuotaBytes: () => number;
  readonly log: Log;
  /** A save ended; `bytes` of new files were written. */
  readonly onSaved: (bytes: number) => void;
  /** Pause after an answer before its thread is saved. Default: 3 s. */
  readonly saveAfterMs?: number;
  readonly caches?: Partial<CacheLimits>;
}

/** What threads may keep on disk. */
const diskLimits = { ageMs: 14 * 24 * 60 * 60_000, files: 256, quotaShare: 0.25 };

/** The folder is checked at most so often. */
const enforceEveryMs = 60_000;

const mostRecent = 50;

const defaultSaveAfterMs = 3000;

/**
 * Conversations of other programs, which send all of it with every request. Each is found again by its content, with the
 * ids that were sampled and the cache that holds them.
 */
export class Threads {
  private readonly book: ThreadBook;
  private readonly caches: ThreadCaches;
  private readonly archive: ThreadArchive;
  private readonly departures: Departures;
  private readonly answers: ThreadAnswers;
  private readonly running = new Map<RunningAnswer, Promise<void>>();
  private readonly pauses = new Map<Thread, NodeJS.Timeout>();
  private readonly saves = new Map<Thread, Promise<void>>();
  private recent: readonly ThreadTurn[] = [];
  private enforcedAtMs = Number.NEGATIVE_INFINITY;
  private enforcing: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: ThreadsOptions) {
    const { files, blocks, clock, log, wallClockMs, sampling } = options;
    this.archive = new ThreadArchive(files, blocks, log);
    this.book = new ThreadBook(this.archive, () => dayOf(new Date(wallClockMs())));
    this.caches = new ThreadCaches({ blocks, clock, save: (thread) => this.save(thread) }, options.caches);
    this.departures = new Departures(log);
    const { book, caches, archive, departures } = this;
    const tools = new ThreadTools();
    this.answers = new ThreadAnswers({ book, caches, archive, departures, tools, clock, settings: sampling });
  }

  start(id: string, request: ChatRequest): Running {
    const answer = new RunningAnswer(id);
    const over = this.answer(answer, request).catch((error: unknown) => endUnanswered(answer, error));
    this.running.set(answer, over);
    void over.finally(() => this.running.delete(answer));
    return answer;
  }

  /** `blockBytes`: size of a block of the pool. */
  status(blockBytes: number): ThreadsStatus {
    return { count: this.book.count, bytes: this.caches.numBlocks * blockBytes, recent: this.recent };
  }

  /** Saves what is worth it and gives all blocks back, before the model is unloaded. */
  async evictAll(): Promise<void> {
    await this.saveAll();
    this.caches.releaseAll();
  }

  /** Removes what is too old or too much on disk, and what dead processes left there. Never rejects. */
  sweep(): Promise<void> {
    const nowMs = this.options.wallClockMs();
    this.enforcedAtMs = nowMs;
    const { ageMs, files, quotaShare } = diskLimits;
    const limits = { nowMs, ageMs, files, bytes: quotaShare * this.options.storeQuotaBytes() };
    this.enforcing = this.enforcing.then(() => this.options.files.enforce(limits)).catch((error) => this.note(error));
    return this.enforcing;
  }

  /** Forgets all threads, also those on disk. Answers that run go on. */
  async forget(): Promise<void> {
    for (const pause of this.pauses.values()) clearTimeout(pause);
    this.pauses.clear();
    await Promise.all(this.saves.values());
    this.caches.releaseAll();
    this.book.clear();
    this.departures.clear();
    this.recent = [];
    await this.options.files.removeAll();
  }

  /** Stops all answers, and begins no save by itself any more. */
  stop(): void {
    this.closed = true;
    for (const answer of this.running.keys()) answer.abort();
  }

  /** Stops answers and saves what is unsaved. */
  async close(): Promise<void> {
    this.stop();
    await Promise.all(this.running.values());
    await this.evictAll();
    await this.enforcing;
  }

  private async answer(answer: RunningAnswer, request: ChatRequest): Promise<void> {
    const { models, clock, wallClockMs } = this.options;
    const at = wallClockMs();
    const asked = this.answers.check(request);
    const wait = new Wait(clock);
    wait.beginLease(models, request.modelDirectory);
    const lease = await models.lease(request.modelDirectory, answer.signal, (reason) =>
      answer.emit({ type: "waitingModel", reason }),
    );
    let made: ThreadAnswer;
    try {
      wait.endLease();
      made = await this.answers.answer(request, asked, lease.session, answer, wait);
    } finally {
      lease.release();
    }
    const { done, place, isShort } = made;
    const { conversation } = request;
    const turn: ThreadTurn = {
      ...{ at, modelName: lease.session.name, isShort, figures: done.figures },
      ...(conversation === undefined ? {} : { conversation }),
    };
    this.recent = [turn, ...this.recent].slice(0, mostRecent);
    answer.finish(done);
    if (!isShort) this.saveLater(place.thread);
  }

  /** After a pause: the next request usually follows at once. */
  private saveLater(thread: Thread): void {
    clearTimeout(this.pauses.get(thread));
    if (this.closed) return;
    const pause = setTimeout(() => {
      this.pauses.delete(thread);
      void this.save(thread);
    }, this.options.saveAfterMs ?? defaultSaveAfterMs);
    // The timer must not keep a program alive: closing saves too.
    pause.unref();
    this.pauses.set(thread, pause);
  }

  private async saveAll(): Promise<void> {
    for (const pause of this.pauses.values()) clearTimeout(pause);
    this.pauses.clear();
    await Promise.all(this.saves.values());
    for (const thread of this.caches.unsavedThreads) await this.save(thread);
  }

  /** Saves the thread's long caches after the save of it that runs. Never rejects. */
  private save(thread: Thread): Promise<void> {
    const save = (this.saves.get(thread) ?? Promise.resolve()).then(() => this.saveNow(thread));
    this.saves.set(thread, save);
    void save.finally(() => {
      if (this.saves.get(thread) === save) this.saves.delete(thread);
    });
    return save;
  }

  private async saveNow(thread: Thread): Promise<void> {
    const caches = this.caches.unsaved(thread);
    if (caches.length === 0) return;
    try {
      this.options.onSaved(await this.archive.save(thread, caches));
      if (this.options.wallClockMs() - this.enforcedAtMs >= enforceEveryMs) await this.sweep();
    } catch (error) {
      this.note(error);
    }
  }

  private note(error: unknown): void {
    const { code, what } = toErrorInfo(error);
    this.options.log.log("warn", `a conversation of another program is not saved: ${code}: ${what}`);
  }
}
