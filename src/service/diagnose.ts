import os from "node:os";
import { toErrorInfo } from "../common/errors";
import { createFormats } from "../common/format";
import type { NativeAddon } from "../native/binding";
import type { DiagnoseReport, ServiceOptions } from "../protocol/service";
import { type LoadedModel, opsText } from "./modelHost";
import type { ModelLibrary } from "./modelLibrary";

type Section = DiagnoseReport["sections"][number];
type Lines = Section["lines"];

export interface DiagnoseSources {
  readonly options: ServiceOptions;
  /** Throws when the addon cannot be loaded. */
  readonly addon: () => NativeAddon;
  readonly library: ModelLibrary;
  readonly loaded: LoadedModel | undefined;
}

const formats = createFormats("en");

/** Facts about this installation for support. A part that fails becomes a line of the report, never an error. */
export async function diagnose({ options, addon, library, loaded }: DiagnoseSources): Promise<DiagnoseReport> {
  return {
    sections: [
      { title: "Platform", lines: platformLines() },
      await section("Addon", () => addonLines(addon(), options.nativeStage)),
      await section("Memory", () => memoryLines(addon())),
      await section("Model", () => modelLines(library, loaded)),
      { title: "Block pool", lines: poolLines(options, loaded) },
      { title: "Paths", lines: pathLines(options) },
    ],
  };
}

async function section(title: string, lines: () => Lines | Promise<Lines>): Promise<Section> {
  try {
    return { title, lines: await lines() };
  } catch (error) {
    const { code, what, advice } = toErrorInfo(error);
    return {
      title,
      lines: [
        ["problem", `${code}: ${what}`],
        ["what to do", advice],
      ],
    };
  }
}

function platformLines(): Lines {
  return [
    ["system", `${os.platform()} ${os.release()}, ${os.arch()}`],
    ["processor", `${os.cpus()[0]?.model.trim() ?? "unknown"}, ${os.cpus().length} cores`],
    ["Node", `${process.versions.node}, modules ${process.versions.modules}`],
    ["runs in", process.versions["electron"] === undefined ? "Node" : `Electron ${process.versions["electron"]}`],
  ];
}

function addonLines(addon: NativeAddon, stage: string): Lines {
  const { addon: version, mlx, platform, sanitizer } = addon.versions();
  const lines: (readonly [string, string])[] = [
    ["version", version],
    ["MLX", mlx],
    ["built for", platform],
    ["folder", stage],
  ];
  return sanitizer === "" ? lines : [...lines, ["sanitizer", sanitizer]];
}

async function memoryLines(addon: NativeAddon): Promise<Lines> {
  const info = await addon.deviceInfo();
  return [
    ["device", `${info.name} (${info.device}), GPU ${info.gpuAvailable ? "available" : "not available"}`],
    ["physical", formats.bytes(info.memoryBytes)],
    ["available now", formats.bytes(info.availableBytes)],
    ["MLX active", formats.bytes(info.mlxActiveBytes)],
    ["MLX cache", formats.bytes(info.mlxCacheBytes)],
    ["this process", formats.bytes(addon.footprintBytes())],
  ];
}

async function modelLines(library: ModelLibrary, loaded: LoadedModel | undefined): Promise<Lines> {
  const model = await library.inspect(library.defaultModel);
  const lines: Lines = [
    ["default", `${model.name}, ${model.architecture}, ${model.quantization}`],
    ["folder", model.directory],
    ["weights", formats.bytes(model.weightBytes)],
    ["context", `${formats.count(model.contextTokens)} tokens`],
    ["loaded", loaded === undefined ? "no model" : loaded.summary.name],
  ];
  if (loaded === undefined) return lines;
  return [...lines, ["operations", opsText(loaded.info)], ["numerics", loaded.info.numericsId]];
}

function poolLines(options: ServiceOptions, loaded: LoadedModel | undefined): Lines {
  const wish = options.poolBytes === undefined ? "automatic" : formats.bytes(options.poolBytes);
  const wanted: Lines = [["size wanted", `${wish}, ${options.blockTokens} tokens per block`]];
  if (loaded === undefined) return wanted;
  const { pool } = loaded.session.engine;
  const { poolReduced } = loaded;
  return [
    ...wanted,
    ["size", `${formats.bytes(loaded.pool.bytes)}, ${formats.count(pool.totalBlocks)} blocks`],
    ...(poolReduced ? [["smaller because", poolReduced.reason] as const] : []),
    ["in use", `${formats.count(pool.referencedBlocks)} blocks, ${formats.count(pool.reusableBlocks)} reusable`],
    ["moved slabs", formats.count(loaded.runner.movedSlabs)],
  ];
}

function pathLines(options: ServiceOptions): Lines {
  return [
    ["home", options.home],
    ["starter model", options.starterModel],
    ["model folders", options.modelFolders.join(", ")],
  ];
}
