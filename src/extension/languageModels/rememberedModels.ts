import type { ChatModelInformation } from "./chatApi";

/** The part of a `vscode.Memento` that is used. */
export interface ModelMemory {
  get(key: string): unknown;
  update(key: string, value: unknown): Thenable<void>;
}

const memoryKey = "resident.chatModels";

/** The models as they were offered last, in this window or another one: a start of VS Code lists them from here. */
export class RememberedModels {
  constructor(
    private readonly memory: ModelMemory,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** An earlier version of the program may have written them: what is not understood is left out. */
  get(): readonly ChatModelInformation[] {
    const stored = this.memory.get(memoryKey);
    return Array.isArray(stored) ? stored.filter(isInformation) : [];
  }

  set(models: readonly ChatModelInformation[]): void {
    this.memory.update(memoryKey, models).then(undefined, this.onError);
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
