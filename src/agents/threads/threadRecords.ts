/** A thread as its file keeps it: the answers with their ids, but not the messages, which each request sends again. */
import type { AnswerMessage } from "../../common/messages";
import { type BlockIdentity, decodeIdentity, tokenBytes, tokensFromBytes } from "../../store/blockIdentity";
import {
  asObject,
  type JsonObject,
  MalformedJson,
  parseObject,
  readCount,
  readCounts,
  readList,
  readNumber,
  readOneOf,
  readOptionalString,
  readString,
} from "../../store/json";
import type { Segment } from "../../text/messages";
import type { Steps } from "../../text/steps";
import { decodeCalls } from "../turnRecords";
import { type Answers, Thread } from "./thread";

/** The last, partly filled block of a branch: an object of the store like the full ones. */
export interface ThreadTail {
  readonly parent: string;
  /** Position of its first token. */
  readonly start: number;
  readonly tokens: readonly number[];
  /** Size of its file. */
  readonly bytes: number;
}

/** What is saved of a thread's caches. */
export interface SavedBlocks {
  readonly identity: BlockIdentity;
  readonly tails: readonly ThreadTail[];
}

export interface ThreadRecord {
  readonly thread: Thread;
  /** Absent: no cache of it was saved. */
  readonly saved?: SavedBlocks;
}

export function* encodeThread({ thread, saved }: ThreadRecord): Steps<string> {
  const answers: string[] = [];
  const open: { readonly parent: number; readonly input: string; readonly siblings: Answers }[] = [
    { parent: -1, input: "", siblings: thread.first },
  ];
  for (let level = open.shift(); level !== undefined; level = open.shift()) {
    const { parent, input, siblings } = level;
    for (const { digest, answer, keep, added, next } of siblings.values()) {
      const { content, thought, calls, raw } = answer;
      const said = { content, thought, calls, raw };
      const segments = added.map(({ kind, text, ids }) => ({ kind, text, ids: tokenBytes(ids).toString("base64") }));
      const index = answers.push(JSON.stringify({ parent, input, digest, said, keep, added: segments })) - 1;
      for (const [following, later] of next) open.push({ parent: index, input: following, siblings: later });
      yield;
    }
  }
  const head = JSON.stringify({ key: thread.key, day: thread.day, ...(saved && { saved }) });
  return `${head.slice(0, -1)},"answers":[${answers.join(",")}]}`;
}

/** Throws `MalformedJson` for a text that this program never wrote. */
export function decodeThread(text: string): ThreadRecord {
  const object = parseObject(text);
  const thread = new Thread(readString(object, "key"), readString(object, "day"));
  const lists: Map<string, Answers>[] = [];
  for (const item of readList(object, "answers")) {
    const record = asObject(item, "answer");
    const siblings = siblingsOf(thread, lists, record);
    const answer = decodeAnswer(asObject(record["said"], "said"));
    const added = readList(record, "added").map((part) => decodeSegment(asObject(part, "segment")));
    const known = { answer, keep: readCount(record, "keep"), added };
    lists.push(thread.add(siblings, readString(record, "digest"), known, undefined).next);
  }
  return object["saved"] === undefined
    ? { thread }
    : { thread, saved: decodeSaved(asObject(object["saved"], "saved")) };
}

function siblingsOf(thread: Thread, lists: readonly Map<string, Answers>[], record: JsonObject): Answers {
  const parent = readNumber(record, "parent");
  if (parent === -1) return thread.first;
  const next = lists[parent];
  if (next === undefined) throw new MalformedJson("an answer comes before the one that it follows");
  const input = readString(record, "input");
  const siblings = next.get(input) ?? new Map();
  next.set(input, siblings);
  return siblings;
}

function decodeAnswer(said: JsonObject): AnswerMessage {
  const thought = readOptionalString(said, "thought");
  const raw = readOptionalString(said, "raw");
  return {
    ...{ role: "assistant", content: readString(said, "content") },
    ...(thought === undefined ? {} : { thought }),
    ...(said["calls"] === undefined ? {} : { calls: decodeCalls(said) }),
    ...(raw === undefined ? {} : { raw }),
  };
}

function decodeSegment(object: JsonObject): Segment {
  return {
    kind: readOneOf(object, "kind", ["prompt", "answer"]),
    text: readString(object, "text"),
    ids: tokensFromBytes(Buffer.from(readString(object, "ids"), "base64")),
  };
}

function decodeSaved(object: JsonObject): SavedBlocks {
  return {
    identity: decodeIdentity(asObject(object["identity"], "identity")),
    tails: readList(object, "tails").map((item) => {
      const tail = asObject(item, "tail");
      return {
        parent: readString(tail, "parent"),
        start: readCount(tail, "start"),
        tokens: readCounts(tail, "tokens"),
        bytes: readCount(tail, "bytes"),
      };
    }),
  };
}
