/** One conversation of another program with all its branches, as answers that follow each other. */
import type { AnswerMessage, ChatMessage } from "../../common/messages";
import type { Segment } from "../../text/messages";
import { Past } from "../../text/past";
import type { Day } from "../../text/strftime";
import type { Digest } from "./digests";

/** An answer and what the history became with it, in the form of `PastTurn`. */
export interface KnownAnswer {
  readonly answer: AnswerMessage;
  /** Segments of the history before that stay. */
  readonly keep: number;
  /** Those after them: the rest of the prompt and the answer with its sampled ids. None: it is rendered from its text. */
  readonly added: readonly Segment[];
}

export interface AnswerNode extends KnownAnswer {
  readonly digest: Digest;
  /** What was asked after it: the answers by the input's digest. */
  readonly next: Map<Digest, Answers>;
  /** Built once the messages before are known: a node that was read from disk has no input. */
  past: Past | undefined;
}

/** Answers to the same input, by their digest. */
export type Answers = Map<Digest, AnswerNode>;

/** A thread with more answers keeps only the branch that is in use. */
export const mostAnswers = 1024;

export class Thread {
  readonly first: Answers = new Map();
  private count = 0;
  private size = 0;
  /** Changes with each answer: shows whether a save is still needed. */
  version = 0;

  constructor(
    /** Digest of the model, the frame, and the first messages. */
    readonly key: Digest,
    /** For templates that insist on a date: the day of its beginning. */
    readonly day: Day,
  ) {}

  get numAnswers(): number {
    return this.count;
  }

  /** Memory of its texts and ids, roughly. */
  get bytes(): number {
    return this.size;
  }

  /** Adds an answer among `siblings`, or takes the place of the same answer with other ids. Later answers stay. */
  add(siblings: Answers, digest: Digest, known: KnownAnswer, past: Past | undefined): AnswerNode {
    const before = siblings.get(digest);
    const node: AnswerNode = { ...known, digest, next: before?.next ?? new Map(), past };
    siblings.set(digest, node);
    if (before === undefined) this.count += 1;
    this.size += bytesOf(node) - (before === undefined ? 0 : bytesOf(before));
    this.version += 1;
    return node;
  }

  /** Adds what `other` knows and this thread does not. */
  merge(other: Thread): void {
    const add = (into: Answers, from: Answers) => {
      for (const [digest, node] of from) {
        const known = into.get(digest);
        const kept = known !== undefined && (known.added.length > 0 || node.added.length === 0);
        const at = kept ? known : this.add(into, digest, node, node.past);
        for (const [input, answers] of node.next) {
          const next = at.next.get(input) ?? new Map<Digest, AnswerNode>();
          at.next.set(input, next);
          if (next !== answers) add(next, answers);
        }
      }
    };
    add(this.first, other.first);
  }

  /** Forgets all answers but those of one branch. */
  keepOnly(branch: readonly { readonly input: Digest; readonly node: AnswerNode }[]): void {
    this.first.clear();
    this.count = branch.length;
    this.size = branch.reduce((sum, { node }) => sum + bytesOf(node), 0);
    this.version += 1;
    let answers: Answers = this.first;
    branch.forEach(({ node }, index) => {
      node.next.clear();
      answers.set(node.digest, node);
      const following = branch[index + 1];
      if (following === undefined) return;
      answers = new Map();
      node.next.set(following.input, answers);
    });
  }
}

/** The history up to the node, whose messages are `input` and its answer. Built once. */
export function pastOf(node: AnswerNode, before: Past | undefined, input: readonly ChatMessage[]): Past {
  node.past ??= new Past(before, { input, answer: node.answer, keep: node.keep, added: node.added });
  return node.past;
}

/** An answer whose ids are not known: nothing is added to the history, it is encoded with what follows. */
export function unknownAnswer(answer: AnswerMessage): KnownAnswer {
  return { answer, keep: Number.MAX_SAFE_INTEGER, added: [] };
}

/**
 * An answer that differs from a known one to the same input, as when it was cut or edited: the ids of the known one serve
 * as far as the texts agree. `undefined`: nothing is known.
 */
export function likeSibling(answer: AnswerMessage, siblings: Answers): KnownAnswer | undefined {
  let best: AnswerNode | undefined;
  let most = -1;
  for (const sibling of siblings.values()) {
    const agreeing = commonLength(sibling.answer.content, answer.content);
    if (sibling.added.length === 0 || agreeing <= most) continue;
    best = sibling;
    most = agreeing;
  }
  if (best === undefined) return undefined;
  const { thought } = best.answer;
  const isCut = most === Math.min(best.answer.content.length, answer.content.length);
  const kept = isCut && thought !== undefined ? { ...answer, thought } : answer;
  return { answer: kept, keep: best.keep, added: best.added };
}

function bytesOf({ added, answer, past }: AnswerNode): number {
  const messages = [...(past?.input ?? []), answer].reduce((sum, { content }) => sum + content.length, 0);
  return added.reduce((sum, { text, ids }) => sum + 2 * text.length + 4 * ids.length, 2 * messages);
}

function commonLength(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  let at = 0;
  while (at < length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return at;
}
