import { rm, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InvalidRequestError, ResidentError, throwIfAborted } from "../../common/errors";
import type { Progress, RoundedTensors } from "../../protocol/service";
import { FileSource } from "../fileSource";
import { systemCode, toIoError } from "../ioErrors";
import { convertTensor, layoutsOf } from "./convertTensors";
import { type Contents, describeModel } from "./describeModel";
import { corrupt } from "./importErrors";
import { mlxFormatOf, type ScaleType } from "./mlxFormats";
import { SafetensorsFile } from "./safetensorsFile";
import { partsOf } from "./splitFiles";
import { StagedFolder } from "./stagedFolder";
import type { TensorPlan } from "./tensorPlan";
import { type ConvertibleType, isQuantized } from "./tensorTypes";

export interface ImportRequest {
  /** The GGUF file; of a split model any part. */
  readonly file: string;
  /** The model directory to be made. */
  readonly target: string;
  /** Put the new directory in the place of one that exists. Default: refuse. */
  readonly replace?: boolean;
}

export interface ImportResult {
  readonly directory: string;
  readonly architecture: string;
  readonly tensors: number;
  /** Of model.safetensors. */
  readonly weightBytes: number;
  /** By the type in the file; empty: every weight keeps its exact value. */
  readonly rounded: readonly RoundedTensors[];
}

/**
 * Turns a GGUF file into a model directory of MLX's format: config.json, model.safetensors, tokenizer.json,
 * tokenizer_config.json. Without loss where MLX has the same numbers, else rounded to the next larger format. Streams; the directory appears complete or not at all.
 * Fails with IMPORT_UNSUPPORTED (by name), IMPORT_CORRUPT (with the numbers), DISK_FULL, ABORTED, IO_FAILURE, and
 * INVALID_REQUEST where the file is missing or the target exists.
 */
export async function importGguf(
  request: ImportRequest,
  onProgress: (progress: Progress) => void = () => {},
  signal?: AbortSignal,
): Promise<ImportResult> {
  throwIfAborted(signal);
  const sources = await openSources(request.file);
  try {
    const contents = await describeModel(sources, signal);
    const staged = await StagedFolder.create(request.target, request.replace === true);
    try {
      const { bytes, rounded } = await writeFolder(staged.path, contents, onProgress, signal);
      throwIfAborted(signal);
      await staged.commit();
      return {
        directory: request.target,
        architecture: contents.architecture,
        tensors: contents.plan.tensors.length,
        weightBytes: bytes,
        rounded,
      };
    } catch (error) {
      await staged.discard();
      throw error;
    }
  } catch (error) {
    throw toIoError(error, "the import", request.target);
  } finally {
    for (const source of sources) await source.close();
  }
}

/** All parts of a split model, in order. */
async function openSources(file: string): Promise<readonly FileSource[]> {
  const opened: FileSource[] = [];
  try {
    for (const part of await partsOf(file)) opened.push(await openSource(part));
    return opened;
  } catch (error) {
    for (const source of opened) await source.close();
    throw toIoError(error, "reading the GGUF file", file);
  }
}

async function openSource(file: string): Promise<FileSource> {
  try {
    return await FileSource.open(file);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw toIoError(error, "reading the GGUF file", file);
    throw new InvalidRequestError(`there is no file ${file}`, "check the path", { file });
  }
}

interface WrittenWeights {
  /** Of the file. */
  readonly bytes: number;
  readonly rounded: readonly RoundedTensors[];
}

async function writeFolder(
  folder: string,
  contents: Contents,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal | undefined,
): Promise<WrittenWeights> {
  await requireSpace(folder, contents);
  for (const [name, value] of Object.entries(contents.jsonFiles)) {
    await writeFile(join(folder, name), `${JSON.stringify(value, undefined, name === "tokenizer.json" ? 0 : 2)}\n`, {
      flush: true,
    });
  }
  const file = join(folder, "model.safetensors");
  const written = await writeWeights(file, contents.plan, "F16", onProgress, signal);
  if (written !== "too large") return written;
  // One of the biases is too large for f16: a GPU computes all layers in one type.
  await rm(file);
  const whole = await writeWeights(file, contents.plan, "F32", onProgress, signal);
  if (whole === "too large") throw corrupt("a bias is too large for f32", { file });
  return whole;
}

/** "too large" where `leastScales` cannot hold a bias. */
async function writeWeights(
  file: string,
  { tensors }: TensorPlan,
  leastScales: ScaleType,
  onProgress: (progress: Progress) => void,
  signal: AbortSignal | undefined,
): Promise<WrittenWeights | "too large"> {
  const total = tensors.reduce((sum, tensor) => sum + tensor.source.bytes, 0);
  let done = 0;
  const layouts = tensors.flatMap((tensor) => layoutsOf(tensor, leastScales));
  const weights = await SafetensorsFile.create(file, layouts);
  const rounded = new Map<string, RoundedTensors>();
  try {
    for (const tensor of tensors) {
      const message = `Converting ${tensor.source.name}`;
      const report = (bytes: number) => {
        done += bytes;
        onProgress({ done, total, unit: "bytes", message });
      };
      const error = await convertTensor(tensor, leastScales, weights, report, signal);
      if (error === "too large") return error;
      addRounded(rounded, tensor.source.encoding.type, error);
    }
    await weights.finish();
  } finally {
    await weights.close();
  }
  return { bytes: weights.bytes, rounded: [...rounded.values()] };
}

function addRounded(rounded: Map<string, RoundedTensors>, type: ConvertibleType, error: number): void {
  if (!isQuantized(type) || !mlxFormatOf(type).rounded) return;
  const before = rounded.get(type);
  rounded.set(type, {
    type,
    bits: mlxFormatOf(type).bits,
    tensors: (before?.tensors ?? 0) + 1,
    largestError: Math.max(before?.largestError ?? 0, error),
  });
}

/** Room for the JSON files and for what the file system needs in addition to the data. */
const slackBytes = 32 << 20;

/** Refuses before hours of writing what cannot end well; a disk that fills meanwhile is noticed by the writes. */
async function requireSpace(folder: string, contents: Contents): Promise<void> {
  const layouts = contents.plan.tensors.flatMap((tensor) => layoutsOf(tensor, "F16"));
  const neededBytes = layouts.reduce((sum, layout) => sum + layout.bytes, slackBytes);
  const { bavail, bsize } = await statfs(folder);
  const availableBytes = bavail * bsize;
  if (availableBytes >= neededBytes) return;
  throw new ResidentError(
    "DISK_FULL",
    `the imported model needs ${neededBytes} bytes and the disk has ${availableBytes} left`,
    "free some space and import again",
    { neededBytes, availableBytes, path: dirname(folder) },
  );
}
