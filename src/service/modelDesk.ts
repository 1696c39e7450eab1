import path from "node:path";
import { AbortedError, toErrorInfo } from "../common/errors";
import type {
  AgentSummary,
  EngineState,
  HubRequest,
  ImportedModel,
  ImportRequest,
  ListedModel,
  ModelDeletion,
  ModelSummary,
  Progress,
  ServiceEvent,
} from "../protocol/service";
import type { HubDesk } from "./hubDesk";
import type { ModelGate } from "./modelGate";
import type { LoadedModel, ModelHost } from "./modelHost";
import type { ModelLibrary } from "./modelLibrary";

export interface ModelDeskPorts {
  readonly library: ModelLibrary;
  readonly hub: HubDesk;
  readonly host: ModelHost;
  readonly gate: ModelGate<LoadedModel>;
  readonly agents: () => Promise<readonly AgentSummary[]>;
  readonly fire: (event: ServiceEvent) => void;
}

type OnProgress = (progress: Progress) => void;

/** The person's work with models: which there are, which is the default, which is in memory. */
export class ModelDesk {
  constructor(private readonly ports: ModelDeskPorts) {}

  list(): Promise<readonly ListedModel[]> {
    const { library, gate } = this.ports;
    return library.list(gate.current?.directory);
  }

  async delete(directory: string): Promise<ModelDeletion> {
    const { library, gate, agents } = this.ports;
    const model = path.resolve(directory);
    library.assertDeletable(model);
    const users = (await agents()).filter(
      ({ modelDirectory, server }) => modelDirectory === model && server === undefined,
    );
    if (gate.current?.directory === model) await gate.unload();
    const freedBytes = await this.changing(library.delete(model));
    return { freedBytes, agents: users.map(({ name }) => name) };
  }

  async choose(directory: string): Promise<ModelSummary> {
    const { library, host, fire } = this.ports;
    const summary = await library.choose(directory);
    host.forgetFailure();
    fire({ type: "engine", state: await this.engineState() });
    return summary;
  }

  async load(signal?: AbortSignal): Promise<ModelSummary> {
    const { gate, library } = this.ports;
    const lease = await gate.acquire(library.defaultModel, signal);
    lease.release();
    return lease.model.summary;
  }

  unload(): Promise<void> {
    const { gate } = this.ports;
    gate.cancelLoad();
    return gate.unload();
  }

  import(request: ImportRequest, onProgress: OnProgress, signal?: AbortSignal): Promise<ImportedModel> {
    return this.changing(this.ports.library.import(request, onProgress, signal));
  }

  getStarter(onProgress: OnProgress, signal?: AbortSignal): Promise<ModelSummary> {
    return this.changing(this.ports.library.getStarter(onProgress, signal));
  }

  async getFromHub(request: HubRequest, onProgress: OnProgress, signal?: AbortSignal): Promise<ImportedModel> {
    const { hub, library } = this.ports;
    const { directory, rounded } = await this.changing(hub.get(request, onProgress, signal));
    return { ...(await library.summarize(directory)), rounded };
  }

  /** Before anything was loaded, it says whether there is a model to load. */
  async engineState(): Promise<EngineState> {
    const { library, host } = this.ports;
    const { state } = host;
    if (state.type !== "idle") return state;
    try {
      await library.summarize(library.defaultModel);
      return state;
    } catch (error) {
      if (error instanceof AbortedError) return state;
      return { type: "noModel", error: toErrorInfo(error) };
    }
  }

  /** Tells listeners of the change when it is made. */
  private async changing<T>(change: Promise<T>): Promise<T> {
    const result = await change;
    this.ports.fire({ type: "models" });
    return result;
  }
}
