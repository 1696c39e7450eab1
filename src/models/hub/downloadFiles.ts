import { statfs } from "node:fs/promises";
import { ResidentError, throwIfAborted } from "../../common/errors";
import { createFormats } from "../../common/format";
import type { Progress } from "../../protocol/service";
import { toIoError } from "../ioErrors";
import type { BodyLimits } from "./answerBody";
import { fetchRange } from "./fetchRange";
import { type BlockRange, FileJob, type RangeSizes } from "./fileJob";
import type { HubClient, HubFile } from "./hubClient";
import type { RetryPolicy } from "./retry";

export interface DownloadOptions extends RangeSizes {
  /** Requests at the same time, for all files together. */
  readonly connections: number;
  readonly limits: BodyLimits;
  readonly policy: RetryPolicy;
}

export interface FilesRequest {
  /** `ORG/NAME` and the commit. */
  readonly name: string;
  readonly commit: string;
  readonly files: readonly HubFile[];
  /** Folder in which the files are made; what an earlier download left there is used. */
  readonly folder: string;
  /** Room that what comes after the download needs on the same disk. */
  readonly laterBytes: number;
}

/** Room for the small files around the data. */
const slackBytes = 32 << 20;

/**
 * Gets all files, several ranges at a time, and checks each against its hash. Fails with HUB_FAILURE, MODEL_CORRUPT,
 * DISK_FULL, IO_FAILURE or ABORTED; the blocks that are written by then stay, and the next call goes on from them.
 */
export async function downloadFiles(
  client: HubClient,
  request: FilesRequest,
  options: DownloadOptions,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const jobs: FileJob[] = [];
  // Also ends the hashing of what an earlier process wrote, which may be many gigabytes, when anything fails.
  const stop = new AbortController();
  const cancel = () => stop.abort();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    throwIfAborted(signal);
    for (const file of request.files) jobs.push(await FileJob.create(file, request.folder, options, stop.signal));
    const meter = new Meter(request, await doneBytesOf(jobs), onProgress);
    await requireSpace(request, meter.leftBytes + request.laterBytes);
    for (let open = jobs; open.length > 0; ) {
      throwIfAborted(signal);
      await fetchAll(client, request, open, options, (bytes) => meter.add(bytes), signal);
      const again: FileJob[] = [];
      for (const job of open) if (!(await job.finish())) again.push(job);
      for (const { file } of again) meter.add(-file.bytes);
      open = again;
    }
  } catch (error) {
    throw keptError(error, request.folder);
  } finally {
    signal?.removeEventListener("abort", cancel);
    stop.abort();
    for (const job of jobs) await job.close();
  }
}

/** One failure ends all requests. */
async function fetchAll(
  client: HubClient,
  { name, commit }: FilesRequest,
  jobs: readonly FileJob[],
  options: DownloadOptions,
  onBytes: (bytes: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const stop = new AbortController();
  const cancel = () => stop.abort();
  signal?.addEventListener("abort", cancel, { once: true });
  let failure: unknown;
  const work = async () => {
    try {
      for (let next = await nextRange(jobs); next !== undefined; next = await nextRange(jobs)) {
        throwIfAborted(stop.signal);
        const { job, range } = next;
        const url = client.fileUrl(name, commit, job.file.path);
        const { transport } = client;
        const { limits, policy } = options;
        await fetchRange(job, range, { transport, policy, limits, url, onBytes, signal: stop.signal });
      }
    } catch (error) {
      failure ??= error;
      stop.abort();
    }
  };
  await Promise.all(Array.from({ length: options.connections }, work));
  signal?.removeEventListener("abort", cancel);
  throwIfAborted(signal);
  if (failure !== undefined) throw failure;
}

async function nextRange(
  jobs: readonly FileJob[],
): Promise<{ readonly job: FileJob; readonly range: BlockRange } | undefined> {
  for (const job of jobs) {
    const range = await job.take();
    if (range !== undefined) return { job, range };
  }
  return undefined;
}

async function doneBytesOf(jobs: readonly FileJob[]): Promise<number> {
  let bytes = 0;
  for (const job of jobs) bytes += await job.doneBytes();
  return bytes;
}

/** Refuses before hours of writing what cannot end well; a disk that fills meanwhile is noticed by the writes. */
async function requireSpace({ name, folder }: FilesRequest, leftBytes: number): Promise<void> {
  if (leftBytes === 0) return;
  const { bavail, bsize } = await statfs(folder);
  const availableBytes = bavail * bsize;
  const neededBytes = leftBytes + slackBytes;
  if (availableBytes >= neededBytes) return;
  const { bytes } = createFormats("en");
  throw new ResidentError(
    "DISK_FULL",
    `${name} needs ${bytes(neededBytes)} more on the disk, and ${bytes(availableBytes)} are free`,
    "free some space and get it again",
    { neededBytes, availableBytes, path: folder },
  );
}

/** Unlike an import, a download keeps what it has. */
function keptError(error: unknown, folder: string): unknown {
  const failure = toIoError(error, "the download", folder);
  if (!(failure instanceof ResidentError) || failure.code !== "DISK_FULL" || failure === error) return failure;
  return new ResidentError(
    "DISK_FULL",
    "the disk is full: the download stopped",
    "free some space and get the model again: what was downloaded is kept, and deleting the model removes it",
    failure.facts,
    error,
  );
}

/** Turns bytes into progress, with the rate of the whole download so far. */
class Meter {
  private readonly startedMs = performance.now();
  private readonly totalBytes: number;
  private readonly atStart: number;
  private readonly formats = createFormats("en");

  constructor(
    { name, files }: FilesRequest,
    private done: number,
    private readonly onProgress: (progress: Progress) => void,
    private readonly title = `Downloading ${name}`,
  ) {
    this.totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    this.atStart = done;
    this.add(0);
  }

  get leftBytes(): number {
    return this.totalBytes - this.done;
  }

  add(bytes: number): void {
    this.done += bytes;
    const { done, totalBytes: total, formats } = this;
    const seconds = (performance.now() - this.startedMs) / 1000;
    const rate = (done - this.atStart) / Math.max(1, seconds);
    const pace = rate > 0 ? `, ${formats.bytes(rate)}/s` : "";
    this.onProgress({ done, total, unit: "bytes", message: `${this.title}: ${formats.bytesOf(done, total)}${pace}` });
  }
}
