import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import type { BenchReport, BenchSuite } from "../../protocol/service";
import { textField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { withJobProgress } from "../commands/progress";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";

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
  { suite: "soak", label: "Soak", detail: "Many agents over a pool too small for them, for many turns" },
  { suite: "exp-005", label: "EXP-005", detail: "Token ids beside those of mlx_lm; needs its Python environment" },
];

/** The benchmarks, one at a time, each with progress and Cancel. */
export class Benchmarks implements Disposable {
  private readonly store = new DisposableStore();
  private abort: AbortController | undefined;

  constructor(
    registry: CommandRegistry,
    private readonly service: ServiceHandle,
  ) {
    this.store.add(
      registry.register(commands.runBenchmark, async (argument) => {
        const suite = suiteNamed(textField(argument, "suite")) ?? (await pickSuite());
        return suite && this.run(suite);
      }),
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
    try {
      const door = await this.service.get();
      return await withJobProgress(`Resident: ${labelOf(suite)}`, (onProgress, signal) => {
        signal.addEventListener("abort", () => abort.abort(), { once: true });
        return door.runBench(suite, onProgress, abort.signal);
      });
    } finally {
      this.abort = undefined;
    }
  }

  cancel(): void {
    this.abort?.abort();
  }
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

function labelOf(suite: BenchSuite): string {
  return suites.find((item) => item.suite === suite)?.label ?? suite;
}
