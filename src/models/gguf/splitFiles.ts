import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ResidentError } from "../../common/errors";
import { systemCode } from "../ioErrors";
import type { GgufHeader } from "./ggufFile";
import { corrupt } from "./importErrors";

/** llama-gguf-split's names: "<name>-00002-of-00004.gguf". */
const partName = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/i;

/** The name that the parts have in common; a file that is no part keeps its own, without the ending. */
export function commonName(file: string): string {
  return partName.exec(basename(file))?.[1] ?? basename(file).replace(/\.gguf$/i, "");
}

/** All parts of the model that `file` is one of, in order; only `file` where it is whole. Missing ones are named. */
export async function partsOf(file: string): Promise<readonly string[]> {
  const match = partName.exec(basename(file));
  const count = Number(match?.[3] ?? 0);
  if (match === null || count < 2) return [file];
  const folder = dirname(file);
  const ending = basename(file).slice(-".gguf".length);
  const number = (value: number) => String(value).padStart(5, "0");
  const names = Array.from({ length: count }, (_, i) => `${match[1]}-${number(i + 1)}-of-${match[3]}${ending}`);
  const missing: string[] = [];
  for (const name of names) if (!(await exists(join(folder, name)))) missing.push(name);
  // A file of which nothing is there is no part of anything: it is reported as missing itself.
  if (missing.length > 0 && missing.length < count) throw incomplete(missing, folder);
  return missing.length === count ? [file] : names.map((name) => join(folder, name));
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

function incomplete(missing: readonly string[], folder: string): ResidentError {
  const shown =
    missing.length > 3 ? `${missing.slice(0, 3).join(", ")} and ${missing.length - 3} more` : missing.join(", ");
  return new ResidentError(
    "IMPORT_CORRUPT",
    `the model is split into parts, and ${shown} ${missing.length === 1 ? "is" : "are"} not in ${folder}`,
    "put all parts into one folder, with the names that they were downloaded with, and import any of them",
    { missing: missing.join(", "), folder },
  );
}

/** Checks what the parts say of each other: `headers` are those of `partsOf`, in order. */
export function checkParts(headers: readonly GgufHeader[]): void {
  const stated = headers[0]?.metadata.integer("split.count") ?? 1;
  if (stated > 1 && headers.length === 1) {
    throw new ResidentError(
      "IMPORT_CORRUPT",
      `the file is one of ${stated} parts of a model, and its name does not say which`,
      `give the parts back the names that they were downloaded with ("…-00001-of-${String(stated).padStart(5, "0")}.gguf")`,
      { parts: stated },
    );
  }
  if (headers.length === 1) return;
  for (const [i, { metadata }] of headers.entries()) {
    const [count, number] = [metadata.integer("split.count"), metadata.integer("split.no")];
    if (count !== headers.length || number !== i) {
      throw corrupt(`part ${i + 1} of ${headers.length} says that it is part ${(number ?? -1) + 1} of ${count ?? 1}`, {
        part: i + 1,
        parts: headers.length,
      });
    }
  }
  const tensors = headers.reduce((sum, header) => sum + header.tensors.length, 0);
  const expected = headers[0]?.metadata.integer("split.tensors.count") ?? tensors;
  if (tensors !== expected) {
    throw corrupt(`the parts have ${tensors} tensors and say that they have ${expected}`, { tensors, expected });
  }
  const names = new Set<string>();
  for (const { name } of headers.flatMap((header) => header.tensors)) {
    if (names.has(name)) throw corrupt(`the tensor ${name} appears in two parts`, { tensor: name });
    names.add(name);
  }
}
