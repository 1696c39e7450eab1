import path from "node:path";
import { isDirectlyIn, listModels } from "../models/catalogue";
import { deleteModelFolder, notOurs } from "../models/deleteModel";
import { foundFolders } from "../models/foundModels";
import { importGguf } from "../models/gguf/importGguf";
import { inspectModel, summarizeModel } from "../models/modelDirectory";
import { modelFolderName } from "../models/modelFolderName";
import { fetchStarter } from "../models/starter";
import type { NativeAddon } from "../native/binding";
import type {
  ImportedModel,
  ImportRequest,
  ListedModel,
  ModelDetail,
  ModelSummary,
  Progress,
  ServiceOptions,
} from "../protocol/service";
import { machineMemoryBytes } from "./machineMemory";

/** The models on this machine: lists, inspects and imports them, and stores which one is the default. */
export class ModelLibrary {
  private chosen: string;

  constructor(
    private readonly options: ServiceOptions,
    private readonly addon: () => NativeAddon,
  ) {
    this.chosen = path.resolve(options.defaultModel ?? options.starterModel);
  }

  /** Directory of the default model. */
  get defaultModel(): string {
    return this.chosen;
  }

  /** Folder of imported and downloaded models. */
  get models(): string {
    return path.join(this.options.home, "models");
  }

  /** `loaded`: directory of the loaded model. */
  async list(loaded: string | undefined): Promise<readonly ListedModel[]> {
    const { starterModel, modelFolders, userHome } = this.options;
    const others = modelFolders.filter((folder) => path.resolve(folder) !== path.resolve(this.models));
    const found = userHome === undefined ? [] : await foundFolders(userHome, process.env);
    const context = { memoryBytes: machineMemoryBytes(), loaded };
    return listModels({ starterModel, imported: this.models, others, found }, context);
  }

  /** Throws INVALID_REQUEST for a model that is not Resident's own. */
  assertDeletable(directory: string): void {
    if (!isDirectlyIn(this.models, directory)) throw notOurs(directory);
  }

  /** Resolves with the bytes that it took. */
  delete(directory: string): Promise<number> {
    this.assertDeletable(directory);
    return deleteModelFolder(directory, (file) => this.addon().tryLock(file));
  }

  async inspect(directory: string): Promise<ModelDetail> {
    const detail = await inspectModel(path.resolve(directory), this.options);
    const weightsId = await this.weightsId(detail.directory);
    return weightsId === undefined ? detail : { ...detail, weightsId };
  }

  /** Also `undefined` without an addon: a model can be inspected without one. */
  private async weightsId(directory: string): Promise<string | undefined> {
    try {
      return await this.addon().weightsId(directory, this.options.home);
    } catch {
      return undefined;
    }
  }

  summarize(directory: string): Promise<ModelSummary> {
    return summarizeModel(path.resolve(directory), this.options);
  }

  async choose(directory: string): Promise<ModelSummary> {
    const summary = await this.summarize(directory);
    this.chosen = path.resolve(directory);
    return summary;
  }

  async import(
    { file, name, target, replace }: ImportRequest,
    onProgress: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<ImportedModel> {
    const directory = target ?? path.join(this.models, modelFolderName(file, name));
    const { rounded } = await importGguf({ file, target: directory, replace: replace === true }, onProgress, signal);
    return { ...(await this.summarize(directory)), rounded };
  }

  /** The starter model; downloaded only if it is missing or incomplete. */
  async getStarter(onProgress: (progress: Progress) => void, signal?: AbortSignal): Promise<ModelSummary> {
    const { starterModel, home } = this.options;
    const there = await this.summarize(starterModel).catch(() => undefined);
    if (there !== undefined) return there;
    const python = process.env["RESIDENT_PYTHON"] ?? "python3";
    const cacheDir = path.join(home, "downloads");
    await fetchStarter({ target: starterModel, python, cacheDir, replace: true }, onProgress, signal);
    return this.summarize(starterModel);
  }
}
