import type { AnswerMessage, ChatMessage } from "../../common/messages";
import type { Past } from "../../text/past";
import type { PromptFrame } from "../../text/prompt";
import { runInSlices } from "../../text/steps";
import type { Day } from "../../text/strftime";
import { type Asked, withCallsOf } from "./asked";
import { type AskedDigests, answerDigest, askedDigests, type Digest, digestOf, toolsDigest } from "./digests";
import {
  type AnswerNode,
  type Answers,
  type KnownAnswer,
  likeSibling,
  mostAnswers,
  pastOf,
  Thread,
  unknownAnswer,
} from "./thread";

/** Everything of a request but its messages that decides what its prompt begins with. */
export interface ThreadFrame extends Omit<PromptFrame, "day"> {
  /** Folder and digest of the weights: ids mean something to one vocabulary only. */
  readonly model: readonly [directory: string, weightsId: string];
}

interface Step {
  readonly input: Digest;
  readonly node: AnswerNode;
}

/** Where a request stands in its thread. */
export interface Place {
  readonly thread: Thread;
  readonly frame: PromptFrame;
  /** The history before the messages to answer, with the ids of the answers that are known. */
  readonly past: Past | undefined;
  /** The messages to answer; results name the calls as the history has them. */
  readonly input: readonly ChatMessage[];
  readonly inputDigest: Digest;
  /** The answers before, from the first. */
  readonly branch: readonly Step[];
  /** How many of them were known, thus not read from text. */
  readonly knownAnswers: number;
}

/** Where threads are kept between processes. */
export interface ThreadSource {
  /** What another process, or an earlier one, knows of the thread; `isKnown`: unless this was read before. */
  read(key: Digest, isKnown: boolean): Promise<Thread | undefined>;
}

interface Entry {
  readonly thread: Thread;
  isShort: boolean;
}

export interface BookLimits {
  readonly threads: number;
  /** Those of requests that are not expected to go on. */
  readonly shortThreads: number;
  readonly bytes: number;
}

const defaultLimits: BookLimits = { threads: 64, shortThreads: 16, bytes: 128 * 2 ** 20 };

/**
 * The threads in memory, found by the content of requests. What is used least leaves first; a thread that was saved can
 * be read again.
 */
export class ThreadBook {
  /** In the order of their last use. */
  private readonly entries = new Map<Digest, Entry>();

  constructor(
    private readonly archive: ThreadSource,
    private readonly today: () => Day,
    private readonly limits = defaultLimits,
  ) {}

  /** Threads that are expected to go on. */
  get count(): number {
    return this.all().length;
  }

  all(): readonly Thread[] {
    return [...this.entries.values()].filter(({ isShort }) => !isShort).map(({ thread }) => thread);
  }

  /** Finds the longest known beginning. Changes nothing: `settle` does, once the request can be answered. */
  async find({ model, ...rest }: ThreadFrame, asked: Asked, signal?: AbortSignal): Promise<Place> {
    const digests = await runInSlices(askedDigests(asked), signal);
    const first = digests.past[0]?.input ?? digests.input;
    const tools = toolsDigest(rest.tools ?? []);
    const key = digestOf(...model, rest.thinking ?? "", rest.system, tools, first);
    const thread = await this.threadOf(key);
    return placeIn(thread, { ...rest, day: thread.day }, asked, digests);
  }

  /** Keeps the thread and what the request said that was not known. */
  settle(place: Place, isShort: boolean): Place {
    const entry = this.entries.get(place.thread.key);
    // Another request may have begun the same thread meanwhile.
    const thread = entry?.thread ?? place.thread;
    this.entries.delete(thread.key);
    this.entries.set(thread.key, { thread, isShort: isShort && (entry?.isShort ?? true) });
    const branch: Step[] = [];
    for (const { input, node } of place.branch) {
      const siblings = answersTo(thread, branch, input);
      const known = siblings.get(node.digest) ?? thread.add(siblings, node.digest, node, node.past);
      branch.push({ input, node: known });
    }
    this.dropOldest(thread);
    return { ...place, thread, branch };
  }

  /** Keeps the answer that was made at a settled place. */
  add({ thread, branch, inputDigest, past, input }: Place, known: KnownAnswer): Past {
    if (thread.numAnswers >= mostAnswers) thread.keepOnly(branch);
    const digest = answerDigest(known.answer);
    const after = pastOf(newNode(digest, known), past, input);
    thread.add(answersTo(thread, branch, inputDigest), digest, known, after);
    this.dropOldest(thread);
    return after;
  }

  /** Forgets everything. What was saved stays on disk. */
  clear(): void {
    this.entries.clear();
  }

  private async threadOf(key: Digest): Promise<Thread> {
    const stored = await this.archive.read(key, this.entries.has(key));
    const known = this.entries.get(key)?.thread;
    if (known === undefined) return stored ?? new Thread(key, this.today());
    if (stored !== undefined) known.merge(stored);
    return known;
  }

  private dropOldest(except: Thread): void {
    const { limits } = this;
    const drop = (isTooMuch: () => boolean, mayGo: (entry: Entry) => boolean) => {
      for (const entry of [...this.entries.values()]) {
        if (!isTooMuch()) return;
        if (entry.thread !== except && mayGo(entry)) this.entries.delete(entry.thread.key);
      }
    };
    const entries = () => [...this.entries.values()];
    const isShort = (entry: Entry) => entry.isShort;
    drop(() => entries().filter(isShort).length > limits.shortThreads, isShort);
    drop(
      () => this.count > limits.threads,
      (entry) => !entry.isShort,
    );
    drop(
      () => entries().reduce((sum, { thread }) => sum + thread.bytes, 0) > limits.bytes,
      () => true,
    );
  }
}

/** Answers that are not known are nodes of their own, outside of the thread. */
function placeIn(thread: Thread, frame: PromptFrame, asked: Asked, digests: AskedDigests): Place {
  const branch: Step[] = [];
  let past: Past | undefined;
  let sent: AnswerMessage | undefined;
  let knownAnswers = 0;
  for (const [index, { input, answer }] of asked.past.entries()) {
    const named = digests.past[index];
    if (named === undefined) break;
    const last = branch.at(-1)?.node;
    const siblings = (last === undefined ? thread.first : last.next.get(named.input)) ?? new Map<Digest, AnswerNode>();
    const known = siblings.get(named.answer);
    if (known !== undefined && knownAnswers === index) knownAnswers += 1;
    const node = known ?? newNode(named.answer, likeSibling(answer, siblings) ?? unknownAnswer(answer));
    past = pastOf(node, past, withCallsOf(input, sent, last?.answer));
    branch.push({ input: named.input, node });
    sent = answer;
  }
  const input = withCallsOf(asked.input, sent, branch.at(-1)?.node.answer);
  return { thread, frame, past, input, inputDigest: digests.input, branch, knownAnswers };
}

function newNode(digest: Digest, known: KnownAnswer): AnswerNode {
  return { ...known, digest, next: new Map(), past: undefined };
}

/** The list of the answers to `input` after `branch`, made where there is none. */
function answersTo(thread: Thread, branch: readonly Step[], input: Digest): Answers {
  const last = branch.at(-1)?.node;
  if (last === undefined) return thread.first;
  const known = last.next.get(input);
  if (known !== undefined) return known;
  const made: Answers = new Map();
  last.next.set(input, made);
  return made;
}
