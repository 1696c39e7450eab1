import { throwIfAborted } from "../../common/errors";
import { type BodyLimits, chunksOf } from "./answerBody";
import type { BlockRange, FileJob } from "./fileJob";
import { hubFailure, isTransient, transientFailure } from "./hubErrors";
import type { HubAnswer, HubTransport } from "./hubTransport";
import { type RetryPolicy, withRetries } from "./retry";

export interface FetchPorts {
  readonly transport: HubTransport;
  readonly policy: RetryPolicy;
  readonly limits: BodyLimits;
  /** The file's address on the hub. */
  readonly url: string;
  readonly onBytes: (bytes: number) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * Gets the blocks of a range and writes them. Each block that arrives whole is kept, whatever happens to the rest. Where
 * the server sends only whole files, one request gets all missing blocks of the file, and the others give way to it.
 */
export async function fetchRange(job: FileJob, range: BlockRange, ports: FetchPorts): Promise<void> {
  let blocks = 0;
  let before = 0;
  const onBlock = (bytes: number) => {
    blocks += 1;
    ports.onBytes(bytes);
  };
  const gained = () => {
    const more = blocks > before;
    before = blocks;
    return more;
  };
  let asked = range;
  let isOwner = false;
  const attempt = async (): Promise<void> => {
    for (;;) {
      const missing = await job.missingIn(asked);
      if (missing === undefined) return;
      const answer = await request(job, missing, ports);
      if (answer.status !== 200) {
        await takeBlocks(job, missing, answer, ports, onBlock);
        continue;
      }
      if (job.isSequential && !isOwner) {
        answer.body.destroy();
        return;
      }
      job.isSequential = true;
      isOwner = true;
      asked = { first: 0, end: job.numBlocks };
      await takeWhole(job, answer, ports, onBlock);
    }
  };
  await withRetries(ports.policy, ports.signal, attempt, gained);
}

async function request(job: FileJob, { first, end }: BlockRange, ports: FetchPorts): Promise<HubAnswer> {
  const { transport, signal, url } = ports;
  const range = `bytes=${job.startOf(first)}-${job.startOf(end) - 1}`;
  const get = (from: string) => transport.get(from, { headers: { range }, signal });
  const known = job.redirectedUrl;
  try {
    const answer = await get(known ?? url);
    job.redirectedUrl = answer.url === url ? undefined : answer.url;
    return checked(job, answer);
  } catch (error) {
    if (known === undefined || isTransient(error)) throw error;
    throwIfAborted(signal);
    // The address of a store is good for some time only: the hub gives another one.
    job.redirectedUrl = undefined;
    return checked(job, await get(url));
  }
}

function checked(job: FileJob, answer: HubAnswer): HubAnswer {
  const { host } = new URL(answer.url);
  const encoding = answer.header("content-encoding") ?? "identity";
  if (encoding === "identity") return answer;
  answer.body.destroy();
  const what = `${host} sends ${job.file.path} compressed (${encoding}), in which parts cannot be told`;
  throw hubFailure(what, "check the proxy or the mirror", { host, file: job.file.path });
}

/** The blocks of an answer of status 206. */
async function takeBlocks(
  job: FileJob,
  { first, end }: BlockRange,
  answer: HubAnswer,
  ports: FetchPorts,
  onBlock: (bytes: number) => void,
): Promise<void> {
  const { file } = job;
  const { host } = new URL(answer.url);
  const [, from, , total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(answer.header("content-range") ?? "") ?? [];
  if (Number(from) !== job.startOf(first) || (total !== "*" && Number(total) !== file.bytes)) {
    answer.body.destroy();
    throw wrongLength(file.path, host, file.bytes, total ?? "an unknown number of");
  }
  await consume(job, first, end, answer, ports, onBlock);
}

/** All blocks of an answer of status 200; those that are there are read and left alone. */
async function takeWhole(
  job: FileJob,
  answer: HubAnswer,
  ports: FetchPorts,
  onBlock: (bytes: number) => void,
): Promise<void> {
  const { file, numBlocks } = job;
  const { host } = new URL(answer.url);
  const length = answer.header("content-length");
  if (length !== undefined && Number(length) !== file.bytes) {
    answer.body.destroy();
    throw wrongLength(file.path, host, file.bytes, length);
  }
  await consume(job, 0, numBlocks, answer, ports, onBlock);
}

async function consume(
  job: FileJob,
  first: number,
  end: number,
  answer: HubAnswer,
  { limits, signal }: FetchPorts,
  onBlock: (bytes: number) => void,
): Promise<void> {
  const { host } = new URL(answer.url);
  let block = first;
  let buffer = Buffer.alloc(job.bytesOf(block));
  let filled = 0;
  for await (const chunk of chunksOf(answer.body, host, limits, signal)) {
    let used = 0;
    while (used < chunk.length) {
      if (block >= end) throw wrongLength(job.file.path, host, job.file.bytes, "more");
      const copied = chunk.copy(buffer, filled, used);
      used += copied;
      filled += copied;
      if (filled < buffer.length) continue;
      if (!(await job.has(block))) {
        await job.write(block, buffer);
        onBlock(buffer.length);
      }
      block += 1;
      filled = 0;
      buffer = Buffer.alloc(block < end ? job.bytesOf(block) : 0);
    }
  }
  if (block < end) throw transientFailure(`${host} ended ${job.file.path} too early`, { host, file: job.file.path });
}

function wrongLength(file: string, host: string, expected: number, found: string): Error {
  return hubFailure(
    `${host} sends ${found} bytes for ${file}, and the hub lists ${expected}`,
    "get the model again; if it stays so, the mirror has another version",
    { file, host, expected, found },
  );
}
