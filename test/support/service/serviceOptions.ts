import path from "node:path";
import type { ServiceOptions } from "../../../src/protocol/service";
import { writeFakeModel } from "../agents/fakeRuntime";

/** A small pool, short answers, and the models that `writeFakeModels` makes. */
export function optionsFor(folder: string, change: Partial<ServiceOptions> = {}): ServiceOptions {
  return {
    home: path.join(folder, "home"),
    starterModel: path.join(folder, "models", "starter"),
    nativeStage: path.join(folder, "stage"),
    modelFolders: [path.join(folder, "models")],
    poolBytes: 64 * 1024,
    blockTokens: 8,
    sampling: { temperature: 0, maxTokens: 6 },
    storeQuotaBytes: 1_000_000,
    ...change,
  };
}

/** "starter" and "other". */
export async function writeFakeModels(folder: string): Promise<void> {
  for (const name of ["starter", "other"]) await writeFakeModel(path.join(folder, "models", name));
}

export const otherModel = (folder: string): string => path.join(folder, "models", "other");
