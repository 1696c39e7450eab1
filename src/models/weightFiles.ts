import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { objectOf } from "../text/json";
import { FileSource } from "./fileSource";
import { readJsonFile } from "./jsonFile";
import { corrupt, incomplete } from "./modelErrors";
import { readSafetensorsHeader, type StoredTensor } from "./safetensorsHeader";
import { type PartLeftOut, partLeftOut, textName } from "./tensorNames";

export interface Weights {
  /** By the names that a model of text alone has. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Size of these tensors, without headers. */
  readonly bytes: number;
  /** Bytes of what text does not need: it is not loaded. */
  readonly leftOut: ReadonlyMap<PartLeftOut, number>;
}

const indexFile = "model.safetensors.index.json";

/**
 * Reads the headers of all weight files of a model directory. Throws MODEL_INCOMPLETE for a missing or truncated file.
 */
export async function readWeights(directory: string): Promise<Weights> {
  const entries = await readdir(directory);
  const files = entries.filter((name) => name.startsWith("model") && name.endsWith(".safetensors")).sort();
  const index = entries.includes(indexFile) ? await readIndex(directory) : undefined;
  const expected = index === undefined ? expectedShards(files) : [...new Set(index.values())].sort();
  const missing = expected.filter((name) => !files.includes(name));
  if (missing.length > 0) {
    const some =
      missing.length > 3 ? `${missing.slice(0, 3).join(", ")} and ${missing.length - 3} more` : missing.join(", ");
    throw incomplete(`weight files of the model are missing: ${some}`, {
      missing: missing.length,
      file: missing[0] ?? "",
    });
  }
  const stored = new Map<string, StoredTensor>();
  for (const file of expected) {
    const source = await FileSource.open(join(directory, file));
    try {
      for (const [name, tensor] of await readSafetensorsHeader(source, file)) stored.set(name, tensor);
    } finally {
      await source.close();
    }
  }
  for (const [name, file] of index ?? []) {
    if (!stored.has(name)) throw incomplete(`the tensor ${name} is missing from ${file}`, { tensor: name, file });
  }
  return textWeights(stored);
}

function textWeights(stored: ReadonlyMap<string, StoredTensor>): Weights {
  const tensors = new Map<string, StoredTensor>();
  const leftOut = new Map<PartLeftOut, number>();
  let bytes = 0;
  for (const [storedName, tensor] of stored) {
    const name = textName(storedName);
    const part = partLeftOut(name);
    if (part !== undefined) {
      leftOut.set(part, (leftOut.get(part) ?? 0) + tensor.bytes);
      continue;
    }
    if (tensors.has(name)) throw corrupt(`tensor ${storedName} is there twice`, { tensor: storedName });
    tensors.set(name, tensor);
    bytes += tensor.bytes;
  }
  return { tensors, bytes, leftOut };
}

async function readIndex(directory: string): Promise<ReadonlyMap<string, string>> {
  const index = await readJsonFile(directory, indexFile);
  const files = new Map<string, string>();
  for (const [tensor, file] of Object.entries(objectOf(objectOf(index)["weight_map"]))) {
    if (typeof file !== "string" || /[\\/]/.test(file))
      throw corrupt(`${indexFile} names no file for ${tensor}`, { tensor });
    files.set(tensor, file);
  }
  if (files.size === 0) throw corrupt(`${indexFile} lists no tensors`, { file: indexFile });
  return files;
}

/** Without an index the names state the number of files: "model-00001-of-00003.safetensors" is one of three. */
function expectedShards(files: readonly string[]): readonly string[] {
  if (files.length === 0) return ["model.safetensors"];
  const expected = new Set(files);
  for (const file of files) {
    const [, stem, total] = /^(.+)-\d{5}-of-(\d{5})\.safetensors$/.exec(file) ?? [];
    if (stem === undefined || total === undefined) continue;
    for (let shard = 1; shard <= Math.min(Number(total), 9999); shard++) {
      expected.add(`${stem}-${String(shard).padStart(5, "0")}-of-${total}.safetensors`);
    }
  }
  return [...expected].sort();
}
