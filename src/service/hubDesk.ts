import { isModelFamily, missingPartOf, textPartOf } from "../models/families";
import type { TryLock } from "../models/hub/downloadFolder";
import type { HubEntry as FoundEntry } from "../models/hub/hubClient";
import { downloadOptions, withHub } from "../models/hub/hubSession";
import { type InstalledModel, installModel } from "../models/hub/installModel";
import { type ModelPlan, planModel } from "../models/hub/modelPlan";
import { parseRepoName } from "../models/hub/repoName";
import { memoryFit } from "../models/memoryFit";
import type { HubAccess, HubModel, HubRequest, HubSearch, Progress } from "../protocol/service";
import { tooLarge } from "./tooLarge";

export interface HubDeskOptions {
  /** Folder of models. */
  readonly models: string;
  readonly tryLock: TryLock;
  /** Of this machine. */
  readonly memoryBytes: number;
}

/** Results of one search: more are not looked through. */
const mostFound = 50;

/** The model hub as the door offers it: search, what a model would mean for this machine, download. */
export class HubDesk {
  private access: HubAccess = {};

  constructor(private readonly options: HubDeskOptions) {}

  get memoryBytes(): number {
    return this.options.memoryBytes;
  }

  /** The proxy of the settings; `undefined`: that of the environment. */
  get proxy(): string | undefined {
    return this.access.proxy === "" ? undefined : this.access.proxy;
  }

  setAccess(access: HubAccess): void {
    this.access = access;
  }

  search(words: string, signal?: AbortSignal): Promise<HubSearch> {
    return withHub(this.access, async (client) => searchResult(await client.search(words, mostFound, signal)));
  }

  describe({ name, quantization }: HubRequest, signal?: AbortSignal): Promise<HubModel> {
    return withHub(this.access, async (client) => {
      const plan = await planModel(client, parseRepoName(name), quantization, signal);
      return hubModelOf(plan, this.memoryBytes);
    });
  }

  get(
    { name, quantization }: HubRequest,
    onProgress: (progress: Progress) => void,
    signal?: AbortSignal,
  ): Promise<InstalledModel> {
    return withHub(this.access, async (client) => {
      const plan = await planModel(client, parseRepoName(name), quantization, signal);
      refuseTooLarge(plan, this.memoryBytes);
      return installModel(client, plan, this.options, downloadOptions, onProgress, signal);
    });
  }
}

/** Pure: results of families that Resident does not load are counted by family. */
export function searchResult(found: readonly FoundEntry[]): HubSearch {
  const models = found.filter(({ architecture, tags }) => isOffered(architecture) || isGguf(architecture, tags));
  const counts = new Map<string, number>();
  for (const entry of found) {
    if (models.includes(entry)) continue;
    const family = entry.architecture === "" ? "other kinds" : entry.architecture;
    counts.set(family, (counts.get(family) ?? 0) + 1);
  }
  return {
    models: models.map(({ name, architecture, licence, gated, downloads }) => ({
      name,
      family: architecture === "" ? "GGUF" : architecture,
      licence,
      gated,
      downloads,
    })),
    others: [...counts].map(([family, count]) => {
      const missing = missingPartOf(family);
      return { family, count, ...(missing === undefined ? {} : { missing }) };
    }),
  };
}

/** Of a checkpoint of several parts, config.json says which family its text part is. */
function isOffered(architecture: string): boolean {
  return isModelFamily(architecture) || textPartOf(architecture) !== undefined;
}

/** Of these the hub does not say the family: the head of the file does. */
function isGguf(architecture: string, tags: readonly string[]): boolean {
  return architecture === "" && tags.includes("gguf");
}

function hubModelOf(plan: ModelPlan, memoryBytes: number): HubModel {
  const { repo, revision, family, quantization, shape, usesTools, weightBytes, downloadBytes, variants } = plan;
  return {
    name: repo.name,
    revision,
    commit: repo.commit,
    family,
    quantization,
    licence: repo.licence,
    gated: repo.gated,
    contextTokens: shape.contextTokens,
    ...(usesTools === undefined ? {} : { usesTools }),
    downloadBytes,
    fit: memoryFit(weightBytes, shape, memoryBytes),
    ...(variants === undefined
      ? {}
      : {
          variants: variants.map(({ quantization: name, bytes }) => ({
            quantization: name,
            downloadBytes: bytes,
            fit: memoryFit(bytes, shape, memoryBytes),
          })),
        }),
  };
}

/** Before the download. */
export function refuseTooLarge({ repo, weightBytes, shape }: ModelPlan, memoryBytes: number): void {
  if (memoryFit(weightBytes, shape, memoryBytes).verdict === "no") throw tooLarge(repo.name, weightBytes, memoryBytes);
}
