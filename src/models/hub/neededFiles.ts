import { maxTextBytes } from "../jsonFile";
import { notFound, unsupported } from "../modelErrors";
import type { HubFile } from "./hubClient";

/** What to download of a model: a folder in MLX's format, or GGUF files of which one is chosen. */
export type Offer =
  | { readonly type: "folder"; readonly files: readonly HubFile[]; readonly bytes: number }
  | { readonly type: "gguf"; readonly variants: readonly GgufVariant[] };

/** One quantisation of a model in GGUF: one file, or the parts of one in order. */
export interface GgufVariant {
  /** "Q4_K_M"; the file's name where several have that. */
  readonly quantization: string;
  readonly files: readonly HubFile[];
  readonly bytes: number;
}

const textFiles =
  /^(config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab|chat_template|model\.safetensors\.index)\.json$|^merges\.txt$|^tokenizer\.model$|^chat_template\.jinja$|^(licen[cs]e|notice)([-.].*)?$/i;
const weightFile = /^model.*\.safetensors$/;
/** Larger models than any have fewer files; each file that comes is open meanwhile. */
const mostFiles = 1000;
const torchFile = /\.(bin|pt|pth|ckpt)$/;

/**
 * Only files that Resident reads, and the licence. Throws MODEL_UNSUPPORTED for a model that has only PyTorch files or no
 * tokenizer.json, MODEL_NOT_FOUND for a repository without any model.
 */
export function neededFiles(name: string, all: readonly HubFile[]): Offer {
  const has = (path: string) => all.some((file) => file.path === path);
  const weights = all.filter(({ path }) => weightFile.test(path));
  if (has("config.json") && weights.length > 0) {
    if (!has("tokenizer.json")) {
      const advice = "search for a conversion of it that has one";
      throw unsupported(`${name} has no tokenizer.json`, advice, { name });
    }
    const files = [...all.filter(({ path, bytes }) => textFiles.test(path) && bytes <= maxTextBytes), ...weights];
    requireFew(name, files);
    return { type: "folder", files, bytes: sumOf(files) };
  }
  const variants = ggufVariants(all);
  if (variants.length > 0) return { type: "gguf", variants };
  if (all.some(({ path }) => torchFile.test(path))) {
    throw unsupported(
      `${name} has only PyTorch files, which Resident does not open`,
      "search for a conversion of it: its name with mlx or gguf",
      { name },
    );
  }
  throw notFound(`${name} has no weights that Resident opens (safetensors or GGUF)`, { name });
}

function requireFew(name: string, files: readonly HubFile[]): void {
  if (files.length <= mostFiles) return;
  throw unsupported(
    `${name} has ${files.length} files, more than the ${mostFiles} that a model may have`,
    "search for a conversion of it with fewer",
    {
      name,
      files: files.length,
      mostFiles,
    },
  );
}

const shardName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/i;
const quantizationName = /(?:^|[-._])((?:I?Q\d(?:_[A-Z0-9]+)*)|TQ\d_\d|F16|BF16|F32|MXFP4(?:_[A-Z]+)*)(?=$|[-._])/i;

/** By size. Files of a model other than the language model (mmproj) and incomplete parts are left out. */
function ggufVariants(all: readonly HubFile[]): readonly GgufVariant[] {
  const groups = new Map<string, { readonly files: HubFile[]; total: number }>();
  for (const file of all) {
    if (!/\.gguf$/i.test(file.path) || /mmproj|imatrix/i.test(file.path)) continue;
    const [, stem = file.path.replace(/\.gguf$/i, ""), , total = "1"] = shardName.exec(file.path) ?? [];
    const group = groups.get(stem) ?? { files: [], total: Number(total) };
    group.files.push(file);
    groups.set(stem, group);
  }
  const whole = [...groups].filter(([, { files, total }]) => files.length === total);
  const nameOf = (stem: string) => quantizationName.exec(stem)?.[1]?.toUpperCase() ?? stem;
  const isOnly = (name: string) => whole.filter(([stem]) => nameOf(stem) === name).length === 1;
  return whole
    .map(([stem, { files }]) => ({
      quantization: isOnly(nameOf(stem)) ? nameOf(stem) : stem,
      files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
      bytes: sumOf(files),
    }))
    .sort((a, b) => a.bytes - b.bytes);
}

/** The variant that is meant: by its quantisation or a file's name, else Q4_K_M, else the one nearest to 4 bits in size. */
export function chooseVariant(name: string, variants: readonly GgufVariant[], wanted: string | undefined): GgufVariant {
  const named = (text: string) =>
    variants.find(
      ({ quantization, files }) =>
        quantization.toLowerCase() === text.toLowerCase() || files.some(({ path }) => path === text),
    );
  const names = variants.map(({ quantization }) => quantization).join(", ");
  const chosen =
    wanted === undefined
      ? (named("Q4_K_M") ?? named("Q4_0") ?? variants[Math.floor(variants.length / 2)])
      : named(wanted);
  if (chosen !== undefined) {
    requireFew(name, chosen.files);
    return chosen;
  }
  throw notFound(`${name} has no GGUF file ${wanted ?? ""}: there are ${names}`, { name, variants: names });
}

function sumOf(files: readonly HubFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
