import path from "node:path";
import type { ModelAccess, ModelLease, ModelSession } from "../agents/ports";
import { createFormats } from "../common/format";
import { readTextFiles, summarizeModel } from "../models/modelDirectory";
import { modelNameOf } from "../models/modelName";
import type { PromptBuilder } from "../text/prompt";
import { createTextModel } from "../text/textModel";
import type { ModelGate } from "./modelGate";
import type { LoadedModel } from "./modelHost";
import type { TurnsAhead } from "./turnsAhead";

const formats = createFormats("en");

/** Access of agents to the one loaded model. */
export class GatedModelAccess implements ModelAccess {
  constructor(private readonly gate: ModelGate<LoadedModel>) {}

  get current(): ModelSession | undefined {
    return this.gate.current?.model.session;
  }

  loaded(directory: string): ModelSession | undefined {
    const { current } = this.gate;
    return current?.directory === path.resolve(directory) ? current.model.session : undefined;
  }

  async lease(directory: string, signal?: AbortSignal, onWaiting?: (reason: string) => void): Promise<ModelLease> {
    const wanted = path.resolve(directory);
    let size: Promise<number | undefined> | undefined;
    let newest: readonly TurnsAhead[] | undefined;
    const sendReason = async (ahead: readonly TurnsAhead[]) => {
      newest = ahead;
      size ??= weightBytesOf(wanted);
      const bytes = await size;
      if (newest === ahead) onWaiting?.(waitingReason(ahead, wanted, bytes));
    };
    try {
      const { model, release } = await this.gate.acquire(wanted, signal, (ahead) => void sendReason(ahead));
      return { session: model.session, release };
    } finally {
      newest = undefined; // a reason that is still being built is too late
    }
  }

  isFree(directory: string): boolean {
    const wanted = path.resolve(directory);
    const { current } = this.gate;
    return (current === undefined || current.directory === wanted) && !this.gate.isContended(wanted);
  }

  async describe(directory: string): Promise<{ readonly name: string; readonly contextTokens: number }> {
    const { name, contextTokens } = await summarizeModel(path.resolve(directory));
    return { name, contextTokens };
  }

  async prompts(directory: string): Promise<PromptBuilder> {
    const loaded = this.loaded(directory);
    return loaded?.text.prompts ?? createTextModel(await readTextFiles(path.resolve(directory))).prompts;
  }
}

/** Size of the weights; `undefined` when the model cannot be read: its load will fail with the reason. */
export async function weightBytesOf(directory: string): Promise<number | undefined> {
  try {
    return (await summarizeModel(directory)).weightBytes;
  } catch {
    return undefined;
  }
}

/** "2 turns of A, 1 turn of B, then C is loaded (1.70 GB)". A model's name is that of its folder. */
function waitingReason(ahead: readonly TurnsAhead[], directory: string, bytes: number | undefined): string {
  const name = modelNameOf(directory);
  const size = bytes === undefined ? "" : ` (${formats.bytes(bytes)})`;
  if (ahead.length === 0) return `${name} is being loaded${size}`;
  const turns = ahead.map(
    (group) => `${group.turns} turn${group.turns === 1 ? "" : "s"} of ${modelNameOf(group.directory)}`,
  );
  return `${turns.join(", ")}, then ${name} is loaded${size}`;
}
