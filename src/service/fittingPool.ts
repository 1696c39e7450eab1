import { ResidentError, toErrorInfo } from "../common/errors";
import { createFormats } from "../common/format";
import type { NativePool } from "../native/binding";
import type { PoolReduction } from "../protocol/service";
import type { PoolSize } from "./poolSize";

export interface PoolWish {
  readonly wantedBytes: number;
  /** What is tried last; less than this is no pool. */
  readonly leastBytes: number;
  readonly kvBytesPerToken: number;
  readonly sizeOf: (poolBytes: number) => PoolSize;
  readonly create: (size: PoolSize) => Promise<NativePool>;
}

export interface FittingPool {
  readonly pool: NativePool;
  readonly size: PoolSize;
  /** It is smaller than was wanted. */
  readonly reduced?: PoolReduction;
}

/** The part of what was tried, or of what is free, that is tried next. */
const nextPart = 0.75;

/**
 * A pool as large as wanted, or as large as the device allows: where one does not fit, a smaller one is tried, down to the
 * least. Throws OUT_OF_MEMORY with the numbers where not even that fits.
 */
export async function createFittingPool(wish: PoolWish): Promise<FittingPool> {
  const { wantedBytes, leastBytes, sizeOf, create } = wish;
  let bytes = wantedBytes;
  let why: Shortage | undefined;
  for (;;) {
    const size = sizeOf(bytes);
    try {
      const pool = await create(size);
      if (why === undefined) return { pool, size };
      return { pool, size, reduced: { wantedBytes, reason: reasonOf(why) } };
    } catch (error) {
      why = shortageOf(error, wish.kvBytesPerToken);
      if (why === undefined) throw error;
      const next = smallerPool(bytes, Math.min(leastBytes, wantedBytes), why);
      if (next === undefined) throw noPoolFits(wish, why, error);
      bytes = next;
    }
  }
}

/** Why a pool was refused: too little memory is free, or left to the GPU, or the device cannot count so many tokens. */
export type Shortage =
  | { readonly type: "memory" | "gpu"; readonly availableBytes: number | undefined }
  | { readonly type: "slots"; readonly mostTokens: number; readonly mostBytes: number };

function shortageOf(error: unknown, kvBytesPerToken: number): Shortage | undefined {
  const { code, facts } = toErrorInfo(error);
  const { availableBytes, maxTokens, limit } = facts;
  if (code === "OUT_OF_MEMORY") {
    const type = limit === "gpu" ? "gpu" : "memory";
    return { type, availableBytes: typeof availableBytes === "number" ? availableBytes : undefined };
  }
  if (code !== "INVALID_REQUEST" || typeof maxTokens !== "number" || maxTokens < 1) return undefined;
  return { type: "slots", mostTokens: maxTokens, mostBytes: maxTokens * kvBytesPerToken };
}

/** Pure: the size to try after `bytes` was refused; `undefined` when that was the least already. */
export function smallerPool(bytes: number, leastBytes: number, why: Shortage): number | undefined {
  if (bytes <= leastBytes) return undefined;
  const bound = why.type === "slots" ? why.mostBytes : nextPart * (why.availableBytes ?? bytes);
  const smaller = bound < bytes ? bound : nextPart * bytes;
  return Math.max(leastBytes, Math.floor(smaller));
}

const formats = createFormats("en");

/** For the log and the diagnosis. */
export function poolReductionText({ wantedBytes, reason }: PoolReduction, bytes: number): string {
  return `the block pool has ${formats.bytes(bytes)} instead of ${formats.bytes(wantedBytes)}: ${reason}`;
}

function reasonOf(why: Shortage): string {
  if (why.type === "slots") return `the device counts at most ${formats.count(why.mostTokens)} tokens in a pool`;
  if (why.availableBytes === undefined) return "no more memory is free";
  const bytes = formats.bytes(why.availableBytes);
  return why.type === "gpu"
    ? `${bytes} were left of what the system lets the GPU hold`
    : `${bytes} of memory were free`;
}

function noPoolFits({ leastBytes, wantedBytes }: PoolWish, why: Shortage, cause: unknown): ResidentError {
  const neededBytes = Math.min(leastBytes, wantedBytes);
  const availableBytes = why.type === "slots" ? why.mostBytes : why.availableBytes;
  const smaller = "choose a smaller model, or take a smaller number format for K and V";
  return new ResidentError(
    "OUT_OF_MEMORY",
    `the smallest useful block pool needs ${formats.bytes(neededBytes)}, and ${reasonOf(why)}`,
    why.type === "gpu" ? smaller : `close other programs, ${smaller}`,
    { neededBytes, wantedBytes, ...(availableBytes === undefined ? {} : { availableBytes }) },
    cause,
  );
}
