import { readdir } from "node:fs/promises";
import type { Memory } from "../window/memory";
import type { ChatModelInformation } from "./chatApi";

const memoryKey = "resident.chatModels";

/** The models as they were offered last, in this window or another one: a start of VS Code lists them from here. */
export class RememberedModels {
  constructor(
    private readonly memory: Memory,
    /** Resident's own folder of models. What was put there or taken away since makes the list an old one. */
    private readonly modelsFolder: string,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Nothing where the list is an old one, or an earlier version of the program has written it. */
  async get(): Promise<readonly ChatModelInformation[]> {
    const stored = this.memory.get(memoryKey);
    if (typeof stored !== "object" || stored === null || !("models" in stored && "folders" in stored)) return [];
    if (!Array.isArray(stored.models) || stored.folders !== (await this.folders())) return [];
    return stored.models.every(isInformation) ? stored.models : [];
  }

  async set(models: readonly ChatModelInformation[]): Promise<void> {
    try {
      await this.memory.update(memoryKey, { folders: await this.folders(), models });
    } catch (error) {
      this.onError(error);
    }
  }

  private async folders(): Promise<string> {
    const names = await readdir(this.modelsFolder).catch(() => []);
    return names.sort().join("\n");
  }
}

function isInformation(value: unknown): value is ChatModelInformation {
  if (typeof value !== "object" || value === null) return false;
  const has = (type: "string" | "number" | "object", ...names: readonly string[]) =>
    names.every((name) => {
      const field: unknown = Reflect.get(value, name);
      return typeof field === type && field !== null;
    });
  return (
    has("string", "id", "name", "family", "version") &&
    has("number", "maxInputTokens", "maxOutputTokens") &&
    has("object", "capabilities")
  );
}
