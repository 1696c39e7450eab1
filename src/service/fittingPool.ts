import { ResidentError, toErrorInfo } from "../common/errors";
import { createFormats } from "../common/format";
import type { NativePool } from "../native/binding";
import type { PoolReduction } from "../protocol/service";
import type { PoolSize } from "./poolSize";

export interface PoolWish {
  readonly wantedBytes: number;
  /** The smallest size to try. */
  readonly leastBytes: number;
  readonly kvBytesPerToken: number;
  readonly sizeOf: (poolBytes: number) => PoolSize;
  readonly create: (size: PoolSize) => Promise<NativePool>;
}

export interface FittingPool {
  readonly pool: NativePool;
  readonly size: PoolSize;
  /** Present when the pool is smaller than requested. */
  readonly reduced?: PoolReduction;
}

/** Share of the refused size, or of the free memory, to try next. */
const nextPart = 0.75;

/**
 * Creates a pool of the requested size, or as large as the device allows: when a size does not fit, it tries smaller
 * ones down to the smallest. Throws OUT_OF_MEMORY with the numbers when even that does not fit.
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

/** Why a pool was refused: too little memory is free, or left to the GPU, or the device cannot address that many tokens. */
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

/** Pure: the size to try after `bytes` was refused; `undefined` when that was the smallest size. */
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
  if (why.type === "slots") return `the device supports at most ${formats.count(why.mostTokens)} tokens in a pool`;
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
