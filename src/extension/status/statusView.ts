import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import type { ServiceEvent, ServiceStatus } from "../../protocol/service";
import { isStatusToHost, type StatusCommand, type StatusToPage } from "../../protocol/status";
import type { CommandRegistry } from "../commands/commandRegistry";
import { type Failures, runAction } from "../commands/failures";
import { commands, settings, views } from "../contributions";
import type { EngineWatch } from "../engine/engineWatch";
import type { ServiceHandle } from "../engine/serviceHandle";
import { PageHost } from "../pages/pageHost";
import { pageEngine } from "../pages/pageModel";
import { TaskQueue } from "../pages/taskQueue";
import type { Benchmarks } from "./benchCommands";
import { MetricHistory } from "./metricHistory";
import { statusUpdates } from "./statusUpdates";

/** Four times a second while the engine works, else once a second, and only while the view is visible. */
const pollMs = 250;
const idleTicks = 4;

export interface StatusViewPorts {
  readonly service: ServiceHandle;
  readonly engine: EngineWatch;
  readonly benchmarks: Benchmarks;
  readonly failures: Failures;
  readonly extensionUri: vscode.Uri;
}

/** The Status view: asks the service while it is visible, and posts what has changed. */
export class StatusView implements Disposable, vscode.WebviewViewProvider {
  private readonly store = new DisposableStore();
  private readonly history = new MetricHistory();
  private readonly queue: TaskQueue;
  private page: PageHost<StatusCommand, StatusToPage> | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private shown: ServiceStatus | undefined;
  private polling = false;

  constructor(
    registry: CommandRegistry,
    private readonly ports: StatusViewPorts,
  ) {
    const { service, engine, failures } = ports;
    this.queue = new TaskQueue((error) => failures.note(error));
    this.store.add(service.onEvent((event) => this.showBench(event)));
    this.store.add(service.onRestart(() => this.refresh()));
    this.store.add(registry.register(commands.refreshStatus, () => this.postSnapshot()));
    this.store.add(engine.onChange((state) => this.page?.post({ type: "engine", engine: pageEngine(state) })));
    this.store.add(vscode.window.registerWebviewViewProvider(views.status, this));
  }

  resolveWebviewView(view: vscode.WebviewView): void {
    const { failures, extensionUri } = this.ports;
    const page = new PageHost<StatusCommand, StatusToPage>(
      view.webview,
      {
        name: "status",
        title: "Status",
        guard: isStatusToHost,
        onReady: () => {
          this.refresh();
          this.watch();
        },
        onCommand: (command) => this.run(command),
      },
      failures,
      extensionUri,
    );
    this.page = page;
    view.onDidChangeVisibility(() => {
      if (view.visible) return;
      page.suspend();
      this.unwatch();
    });
    view.onDidDispose(() => {
      this.unwatch();
      page.dispose();
      if (this.page === page) this.page = undefined;
    });
  }

  dispose(): void {
    this.unwatch();
    this.page?.dispose();
    this.store.dispose();
  }

  private watch(): void {
    let ticks = 0;
    this.timer ??= setInterval(() => {
      if (busy(this.shown) || ++ticks % idleTicks === 0) this.poll();
    }, pollMs);
  }

  private unwatch(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private refresh(): void {
    this.queue.add(() => this.postSnapshot());
  }

  /** Asks the service for the status now and shows all of it. */
  private async postSnapshot(): Promise<void> {
    const status = await this.status();
    this.shown = status;
    const snapshot = {
      settings: { language: vscode.env.language },
      engine: pageEngine(status.engine),
      status,
      samples: this.history.samples,
    };
    this.page?.post({ type: "snapshot", snapshot });
  }

  /** Asks for no second status while one is under way, and starts no engine. */
  private poll(): void {
    if (this.polling || !this.page?.live || !this.ports.service.started) return;
    this.polling = true;
    this.queue.add(async () => {
      try {
        const status = await this.status();
        const sample = this.history.take(status.metrics, Date.now());
        for (const update of statusUpdates(this.shown, status, sample)) this.page?.post(update);
        this.shown = status;
      } finally {
        this.polling = false;
      }
    });
  }

  private async status(): Promise<ServiceStatus> {
    const { service, engine } = this.ports;
    const status = await (await service.get()).status();
    if (JSON.stringify(status.engine) !== JSON.stringify(engine.state)) engine.set(status.engine);
    return status;
  }

  private showBench(event: ServiceEvent): void {
    if (event.type !== "bench") return;
    const { suite, progress, report } = event;
    this.page?.post({ type: "bench", ...(progress ? { running: { suite, progress } } : {}) });
    if (report) this.page?.post({ type: "report", report });
  }

  private async run(command: StatusCommand): Promise<void> {
    switch (command.type) {
      case "runBench":
        await this.ports.benchmarks.run(command.suite);
        return;
      case "cancelBench":
        return this.ports.benchmarks.cancel();
      case "openAgent":
        await vscode.commands.executeCommand(commands.openAgent, { agent: command.agent });
        return;
      case "verifyStore":
        await vscode.commands.executeCommand(commands.verifyStore);
        return this.refresh();
      case "freeSpace":
        await vscode.commands.executeCommand(commands.collectStore);
        return this.refresh();
      case "changeQuota":
        await vscode.commands.executeCommand(commands.openSettings, { setting: settings.storeQuotaGB });
        return;
      case "exportBench":
        await vscode.commands.executeCommand(commands.exportBenchmarks);
        return;
      case "copy":
        return vscode.env.clipboard.writeText(command.text);
      case "act":
        await runAction(command.action, {});
        return;
    }
  }
}

function busy(status: ServiceStatus | undefined): boolean {
  if (!status) return true;
  const { engine, metrics, benchRunning } = status;
  return engine.type === "loading" || metrics.numRequestsRunning > 0 || benchRunning !== undefined;
}
