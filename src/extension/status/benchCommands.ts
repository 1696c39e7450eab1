import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import type { BenchReport, BenchSuite } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { commands, contextKeys } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { exportName, exportText } from "./benchExport";
import { benchLook } from "./benchLook";

interface SuiteItem extends vscode.QuickPickItem {
  readonly suite: BenchSuite;
}

const suites: readonly SuiteItem[] = [
  {
    suite: "exp-006",
    label: "EXP-006",
    detail: "What it costs to take up an agent's cache and to put it away, hot and from disk",
  },
  { suite: "resume", label: "Resume", detail: "Time to the first token: cold, from disk, from memory" },
  { suite: "throughput", label: "Throughput", detail: "Reading, answering, and many agents together" },
  { suite: "engine", label: "Engine", detail: "Sharing, fairness, guesses, the host's event loop, the pool" },
  { suite: "host", label: "Host", detail: "How late VS Code's extension host is while the engine works" },
  { suite: "soak", label: "Soak", detail: "Many agents in a pool that is too small for them, for many turns" },
  { suite: "exp-005", label: "EXP-005", detail: "Token ids compared with mlx_lm's; needs its Python environment" },
];

/**
 * The benchmarks, one at a time. The status view shows how far one is and has Cancel; the status bar says that one runs.
 * A notification would cover the composer for minutes.
 */
export class Benchmarks implements Disposable {
  private readonly store = new DisposableStore();
  private readonly item: vscode.StatusBarItem;
  private abort: AbortController | undefined;

  constructor(
    registry: CommandRegistry,
    private readonly service: ServiceHandle,
  ) {
    this.item = this.store.add(
      vscode.window.createStatusBarItem("resident.benchmark", vscode.StatusBarAlignment.Right, 1),
    );
    this.item.name = "Resident: Benchmark";
    this.item.command = commands.openStatus;
    this.store.add(
      registry.register(commands.runBenchmark, async (argument) => {
        const suite = suiteNamed(textField(argument, "suite")) ?? (await pickSuite());
        return suite && this.run(suite);
      }),
    );
    this.store.add(registry.register(commands.cancelBenchmark, async () => this.cancel()));
    this.store.add(
      registry.register(commands.exportBenchmarks, (argument) => this.export(textField(argument, "file"))),
    );
  }

  dispose(): void {
    this.cancel();
    this.store.dispose();
  }

  async run(suite: BenchSuite): Promise<BenchReport> {
    if (this.abort) throw new InvalidRequestError("a benchmark is running", "wait for it, or cancel it first");
    const abort = new AbortController();
    this.abort = abort;
    const show = (share: number, message: string) => {
      const { text, tooltip } = benchLook(suite, share, message);
      this.item.text = text;
      this.item.tooltip = tooltip;
    };
    show(0, "Starting");
    this.item.show();
    setRunning(true);
    try {
      const door = await this.service.get();
      return await door.runBench(
        suite,
        ({ done, total, message }) => show(total > 0 ? done / total : 0, message),
        abort.signal,
      );
    } finally {
      this.abort = undefined;
      this.item.hide();
      setRunning(false);
    }
  }

  cancel(): void {
    this.abort?.abort();
  }

  /** The newest results of all suites, as JSON or, by the file's ending, as Markdown. Returns the file's path. */
  private async export(named: string | undefined): Promise<{ readonly file: string } | undefined> {
    const { lastBench } = await (await this.service.get()).status();
    if (lastBench.length === 0) throw new InvalidRequestError("no benchmark was run yet", "run one first");
    const file = named === undefined ? await askFile() : vscode.Uri.file(named);
    if (file === undefined) return undefined;
    const text = exportText(file.path, lastBench, vscode.env.language);
    await vscode.workspace.fs.writeFile(file, new TextEncoder().encode(text));
    return { file: file.fsPath };
  }
}

function askFile(): Thenable<vscode.Uri | undefined> {
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  const name = exportName(new Date());
  return vscode.window.showSaveDialog({
    title: "Export Benchmark Results",
    saveLabel: "Export",
    filters: { JSON: ["json"], Markdown: ["md"] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder.uri, name) }),
  });
}

function suiteNamed(name: string | undefined): BenchSuite | undefined {
  if (name === undefined) return undefined;
  const found = suites.find(({ suite }) => suite === name);
  if (found) return found.suite;
  throw new InvalidRequestError(
    `there is no benchmark "${name}"`,
    `choose one of ${suites.map(({ suite }) => suite).join(", ")}`,
  );
}

async function pickSuite(): Promise<BenchSuite | undefined> {
  const chosen = await vscode.window.showQuickPick(suites, { title: "Run Benchmark", matchOnDetail: true });
  return chosen?.suite;
}

function setRunning(isRunning: boolean): void {
  vscode.commands.executeCommand("setContext", contextKeys.benchmarkRunning, isRunning);
}
