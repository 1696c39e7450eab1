import { randomUUID } from "node:crypto";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { toErrorInfo } from "../common/errors";
import { Emitter } from "../common/events";
import type { Log } from "../common/log";
import type { NativeAddon } from "../native/binding";
import type { SamplingOptions, ServiceEvent, ServiceOptions, ServiceStatus } from "../protocol/service";
import { HoldableModelAccess } from "./answerHold";
import { BenchDesk, type BenchSuites } from "./benchDesk";
import { BenchHome } from "./benchHome";
import type { BenchSources } from "./benchSuites";
import { engineMetrics, poolStatus } from "./engineStatus";
import { Generations } from "./generations";
import { HomeAgents } from "./homeAgents";
import { HubDesk } from "./hubDesk";
import { IdleUnload } from "./idleUnload";
import { LastVerification } from "./lastVerification";
import { excludeFromBackups, storeFiles } from "./macFiles";
import { machineMemoryBytes } from "./machineMemory";
import { GatedModelAccess } from "./modelAccess";
import { ModelDesk } from "./modelDesk";
import { ModelGate } from "./modelGate";
import { type LoadedModel, ModelHost } from "./modelHost";
import { ModelLibrary } from "./modelLibrary";
import { NextModelStatus } from "./nextModel";
import type { Runtime } from "./runtime";
import { ServerDesk } from "./serverDesk";
import { StoreCollector } from "./storeCollector";
import { StoreDesk } from "./storeDesk";

const clock = { nowMs: () => performance.now() };

/** The parts of the core, connected. Nothing is read or loaded before it is needed. */
export class Core {
  readonly library: ModelLibrary;
  readonly hub: HubDesk;
  readonly servers: ServerDesk;
  readonly models: ModelDesk;
  /** Model access of all but benchmarks. */
  readonly access: HoldableModelAccess;
  readonly generations: Generations;
  readonly home: HomeAgents;
  readonly store: StoreDesk;
  readonly bench: BenchDesk;
  /** The sampling of the user's settings. */
  sampling: SamplingOptions;
  private readonly emitter: Emitter<ServiceEvent>;
  private readonly host: ModelHost;
  private readonly gate: ModelGate<LoadedModel>;
  private readonly nextModel = new NextModelStatus();
  private readonly idleUnload: IdleUnload;
  private readonly verified: LastVerification;
  private readonly benchHome: BenchHome;
  /** Resolves when the leftovers of killed processes are removed. */
  private readonly swept: Promise<void>;

  constructor(options: ServiceOptions, runtime: Runtime, log: Log, suites: (sources: BenchSources) => BenchSuites) {
    this.emitter = new Emitter((error) => log.log("error", `a listener failed: ${toErrorInfo(error).what}`));
    this.sampling = options.sampling ?? {};
    const { home: folder, storeQuotaBytes } = options;
    const fire = (event: ServiceEvent) => this.emitter.fire(event);
    const locks = () => this.addon();
    const sampling = () => this.sampling;
    const defaultModel = () => this.library.defaultModel;
    this.library = new ModelLibrary(options, () => runtime.loadAddon());
    this.hub = new HubDesk({
      models: this.library.models,
      tryLock: (file) => this.addon().tryLock(file),
      memoryBytes: machineMemoryBytes(),
    });
    this.servers = new ServerDesk({
      file: path.join(folder, "servers.json"),
      silentMs: options.serverSilenceMs,
      proxy: () => this.hub.proxy,
      newId: () => `call-${randomUUID()}`,
    });
    this.host = new ModelHost({
      ...{ service: options, runtime, clock, log },
      onState: (state) => {
        if (state.type === "ready") {
          this.home.keeper.engineStarted();
          void excludeFromBackups(this.home.root, () => this.addon(), log);
        }
        fire({ type: "engine", state });
      },
      beforeUnload: async () => {
        await this.benchHome.evictAll();
        await this.home.evictAll();
      },
      onWindowLeft: (session, left) =>
        this.home.agents.residency.saveLeft(session, left) ?? this.benchHome.saveLeft(session, left),
      onBroken: (model) => this.gate.retire(model),
    });
    this.idleUnload = new IdleUnload(options.unloadAfterMs ?? 0, async () => {
      log.log("info", "the model was unused for a while: its agents are saved and its memory is freed");
      await this.gate.unload();
    });
    this.gate = new ModelGate(this.host, (idle) => this.idleUnload.setIdle(idle));
    const models = new GatedModelAccess(this.gate);
    this.access = new HoldableModelAccess(models);
    const files = storeFiles(() => this.addon());
    const forAgents = { locks, files, clock, sampling, defaultModel, storeQuotaBytes, log };
    this.home = new HomeAgents(folder, {
      ...{ ...forAgents, models: this.access, servers: this.servers, fire },
      collectIfDue: () => collector.collectIfDue(),
    });
    const { home } = this;
    const { root, references, agents, threads, keeper } = home;
    const collector = new StoreCollector({ root, references, locks, nowMs: Date.now, log });
    this.generations = new Generations({ servers: this.servers, clock, defaultModel, sampling });
    this.models = new ModelDesk({
      ...{ library: this.library, hub: this.hub, host: this.host, gate: this.gate, fire },
      agents: () => agents.list(),
    });
    this.verified = new LastVerification(root);
    this.store = new StoreDesk({
      ...{ root, references, collector },
      get quotaBytes() {
        return home.quotaBytes;
      },
      checker: () => this.addon(),
      deleteAgents: async () => {
        const deleted = await agents.deleteAll();
        await threads.forget();
        return deleted;
      },
      damagedAgents: () => agents.damaged(),
      repairAgent: (id) => agents.repair(id),
      sweepAgents: () => agents.sweep(),
      onChanged: () => keeper.changed(),
      keepVerified: (verified) => this.verified.keep(verified),
    });
    const benchRoot = path.join(folder, "bench");
    this.benchHome = new BenchHome({
      ...{ ...forAgents, models, held: this.access, gate: this.gate, people: agents },
      root: path.join(benchRoot, "scratch"),
      engine: {
        generate: (request) => this.generations.start(request, models),
        loadModel: (signal) => this.models.load(signal),
        unloadModel: () => this.gate.unload(),
        status: () => this.status(),
      },
    });
    this.bench = new BenchDesk(
      benchRoot,
      () => suites({ options, runtime, library: this.library, loaded: () => this.loaded }),
      this.benchHome,
      (suite, progress, report) =>
        fire({ type: "bench", suite, ...(progress && { progress }), ...(report && { report }) }),
    );
    this.swept = Promise.allSettled([agents.sweep(), this.benchHome.sweep(), threads.sweep()]).then((ended) => {
      for (const sweep of ended) if (sweep.status === "rejected") log.log("warn", toErrorInfo(sweep.reason).what);
    });
  }

  get onEvent() {
    return this.emitter.event;
  }

  get loaded(): LoadedModel | undefined {
    return this.gate.current?.model;
  }

  /** Loads the addon if it is not loaded. Throws ADDON_MISSING, and then sets it as the engine's state too. */
  addon(): NativeAddon {
    return this.host.addon();
  }

  async status(): Promise<ServiceStatus> {
    const { loaded, home } = this;
    const { agents, threads, keeper } = home;
    const benchRunning = this.bench.running;
    const lastVerified = await this.verified.get();
    const nextModel = await this.nextModel.describe(this.gate.next);
    const engine = await this.models.engineState();
    const pool = loaded && poolStatus(loaded);
    return {
      engine,
      ...(nextModel && { nextModel }),
      metrics: engineMetrics(loaded),
      ...(pool && { pool }),
      store: { ...(await keeper.status()), ...(lastVerified && { lastVerified }) },
      agents: await agents.list(),
      threads: threads.status(pool?.blockBytes ?? 0),
      lastBench: await this.bench.reports(),
      ...(benchRunning === undefined ? {} : { benchRunning }),
    };
  }

  /** Stops work, saves what is unsaved, frees the model. */
  async end(): Promise<void> {
    this.idleUnload.dispose();
    const generated = this.generations.end();
    this.home.threads.stop();
    await generated;
    await this.swept;
    const benchEnded = this.bench.close();
    await this.benchHome.close();
    await this.home.agents.close();
    await this.home.threads.close();
    await benchEnded;
    this.servers.close();
    await this.gate.close();
    await this.home.keeper.close();
    this.emitter.dispose();
  }
}
