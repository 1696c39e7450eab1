import type { Worker } from "node:worker_threads";
import type { FoundLine, FoundLines } from "../../acting/ports";
import { InvalidRequestError } from "../../common/errors";
import { type LineQuery, lineMatcher } from "./matchingLines";
import type { SearchedFile, SearchOrder, SearchReport } from "./searchWorker";

/** Files that are handed over at once. */
const filesAtOnce = 200;

/** As a `Worker` of node:worker_threads. */
export type SearchThread = Pick<Worker, "on" | "once" | "off" | "postMessage" | "terminate">;

export interface SearchLimits {
  /** Lines. */
  readonly most: number;
  /** As `SearchOrder`'s. */
  readonly roots: readonly string[];
  readonly ms: number;
  readonly signal: AbortSignal;
}

/**
 * Searches files in a thread of its own, which runs searchWorker.ts. What takes too long is ended: then what was found by then
 * is given back, as cut.
 */
export async function searchFiles(
  query: LineQuery,
  files: AsyncIterable<SearchedFile>,
  { most, roots, ms, signal }: SearchLimits,
  startThread: () => SearchThread,
): Promise<FoundLines> {
  checkQuery(query);
  const lines: FoundLine[] = [];
  const worker = startThread();
  const stopped = new Promise<"stopped">((resolve) => {
    const stop = () => resolve("stopped");
    const limit = setTimeout(stop, ms);
    signal.addEventListener("abort", stop);
    worker.once("exit", () => {
      clearTimeout(limit);
      signal.removeEventListener("abort", stop);
      stop();
    });
    if (signal.aborted) stop();
  });
  const ask = (order: SearchOrder) =>
    new Promise<{ readonly isCut: boolean }>((resolve, reject) => {
      const hear = (report: SearchReport) => {
        if (report.type === "lines") return lines.push(...report.lines);
        worker.off("message", hear);
        return resolve(report);
      };
      worker.on("message", hear);
      worker.once("error", reject);
      worker.postMessage(order);
    });
  try {
    for await (const batch of batches(files, filesAtOnce)) {
      const done = await Promise.race([ask({ query, files: batch, most: most - lines.length, roots }), stopped]);
      if (done === "stopped" || done.isCut) return { lines, isCut: true };
      if (signal.aborted) return { lines, isCut: true };
    }
    return { lines, isCut: false };
  } finally {
    void worker.terminate();
  }
}

function checkQuery(query: LineQuery): void {
  try {
    lineMatcher(query);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidRequestError(
      `this is no regular expression: ${why}`,
      "write it as JavaScript does, or search for the text",
    );
  }
}

async function* batches<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<readonly T[]> {
  let batch: T[] = [];
  for await (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
