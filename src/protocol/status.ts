/** Messages between the status page and the host. */
import { type GuardTable, guardToHost, isAction, isId, isSuite, isText } from "./guard";
import type { ActionId, PageEngine, PageSettings, Reply, ToHost } from "./page";
import type {
  AgentId,
  AgentSummary,
  BenchReport,
  BenchSuite,
  EngineMetrics,
  NextModel,
  PoolStatus,
  ServiceStatus,
  StoreStatus,
  ThreadsStatus,
} from "./service";

/** One point of the sparklines. The host keeps the last five minutes, since a page may be closed at any time. */
export interface MetricSample {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly decodeTokensPerSecond: number;
  readonly prefillTokensPerSecond: number;
  readonly ttftP50Ms: number;
  readonly ttftP95Ms: number;
}

export interface StatusSnapshot {
  readonly settings: PageSettings;
  readonly engine: PageEngine;
  /** `status.engine` equals `engine.state`. */
  readonly status: ServiceStatus;
  readonly samples: readonly MetricSample[];
}

// ---- page → host -------------------------------------------------------------------------------------------------

export type StatusCommand =
  | { readonly type: "runBench"; readonly suite: BenchSuite }
  | { readonly type: "cancelBench" }
  | { readonly type: "openAgent"; readonly agent: AgentId }
  | { readonly type: "verifyStore" }
  /** Removes unreferenced objects. */
  | { readonly type: "freeSpace" }
  | { readonly type: "changeQuota" }
  | { readonly type: "exportBench" }
  | { readonly type: "copy"; readonly text: string }
  | { readonly type: "act"; readonly action: ActionId };

export type StatusToHost = ToHost<StatusCommand>;

const statusCommands: GuardTable<StatusCommand> = {
  runBench: { suite: isSuite },
  cancelBench: {},
  openAgent: { agent: isId },
  verifyStore: {},
  freeSpace: {},
  changeQuota: {},
  exportBench: {},
  copy: { text: isText },
  act: { action: isAction },
};

export const isStatusToHost: (value: unknown) => value is StatusToHost = guardToHost<StatusCommand>(statusCommands);

// ---- host → page -------------------------------------------------------------------------------------------------

/** The host sends `metrics` and `agents` at most 4 times a second, and only while the page is visible. */
export type StatusUpdate =
  | { readonly type: "snapshot"; readonly snapshot: StatusSnapshot }
  | { readonly type: "engine"; readonly engine: PageEngine }
  | {
      readonly type: "metrics";
      readonly metrics: EngineMetrics;
      readonly pool?: PoolStatus;
      readonly nextModel?: NextModel;
      readonly sample?: MetricSample;
    }
  | { readonly type: "agents"; readonly agents: readonly AgentSummary[] }
  | { readonly type: "threads"; readonly threads: ThreadsStatus }
  | { readonly type: "store"; readonly store: StoreStatus }
  /** Progress of the running benchmark; without `running`, none runs any more. */
  | { readonly type: "bench"; readonly running?: NonNullable<ServiceStatus["benchRunning"]> }
  | { readonly type: "report"; readonly report: BenchReport };

export type StatusToPage = StatusUpdate | Reply;
