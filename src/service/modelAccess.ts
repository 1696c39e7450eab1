import path from "node:path";
import type { ModelAccess, ModelLease, ModelSession } from "../agents/ports";
import { summarizeModel } from "../models/modelDirectory";
import type { ModelGate } from "./modelGate";
import type { LoadedModel } from "./modelHost";

/** The one loaded model, as agents ask for it. */
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
    if (this.gate.wouldWait(wanted)) onWaiting?.(this.reason(wanted));
    const { model, release } = await this.gate.acquire(wanted, signal);
    return { session: model.session, release };
  }

  isFree(directory: string): boolean {
    const wanted = path.resolve(directory);
    const { current } = this.gate;
    return (current === undefined || current.directory === wanted) && !this.gate.wouldWait(wanted);
  }

  async describe(directory: string): Promise<{ readonly name: string; readonly contextTokens: number }> {
    const { name, contextTokens } = await summarizeModel(path.resolve(directory));
    return { name, contextTokens };
  }

  private reason(directory: string): string {
    const { current, numLeases } = this.gate;
    const turns = numLeases === 1 ? "1 turn" : `${numLeases} turns`;
    const loaded = current === undefined ? "another model" : current.model.summary.name;
    return `${turns} of ${loaded}, then ${path.basename(directory)} is loaded`;
  }
}
