import { createFormats, type Formats } from "../../common/format";
import { suiteName } from "../../protocol/benchResults";
import type { Problem } from "../../protocol/page";
import type { StatusCommand, StatusSnapshot, StatusUpdate } from "../../protocol/status";
import { Announcer } from "../shared/announcer";
import { Eta } from "../shared/eta";
import { part } from "../shared/frame";
import { Host } from "../shared/host";
import { PressedButton } from "../shared/pressedButton";
import { problemView, type RunAction } from "../shared/problem";
import { Slot } from "../shared/slot";
import { agentsView } from "./agents";
import { benchView } from "./bench";
import { engineView } from "./engine";
import { poolView } from "./pool";
import { reduceStatus } from "./state";
import { storeView } from "./store";
import { threadsView } from "./threads";
import { throughputView } from "./throughput";

/** The page is painted at most 4 times a second, and only while it is visible. */
const repaintMs = 250;

/** Engine, pool, agents, throughput, store and benchmarks. */
export class StatusPage {
  readonly element = part("main", "view");
  private readonly grid = new Slot(part("div", "grid"));
  private readonly announcer = new Announcer();
  private readonly pressed = new PressedButton(this.element);
  private readonly loadEta = new Eta();
  private readonly benchEta = new Eta();
  private readonly host: Host<StatusCommand, StatusUpdate>;

  private state: StatusSnapshot | undefined;
  private formats: Formats = createFormats("en");
  private language = "en";
  private failure: Problem | undefined;
  private paintedAt = Number.NEGATIVE_INFINITY;
  private asked = false;

  constructor() {
    this.host = new Host((update) => this.updated(update));
    const heading = part("h1", "sr");
    heading.textContent = "Resident status";
    this.element.append(heading, this.grid.element, this.announcer.element);
    document.addEventListener("visibilitychange", () => this.render());
    this.host.ready();
  }

  private updated(update: StatusUpdate): void {
    this.state = reduceStatus(this.state, update);
    if (update.type === "snapshot" && update.snapshot.settings.language !== this.language) {
      this.language = update.snapshot.settings.language;
      this.formats = createFormats(this.language);
    }
    if (update.type === "report") this.announcer.say(`Benchmark ${suiteName(update.report.suite)} finished`);
    this.render();
  }

  private render(): void {
    if (this.asked || document.hidden) return;
    this.asked = true;
    const waitMs = Math.max(0, this.paintedAt + repaintMs - performance.now());
    setTimeout(() => {
      this.asked = false;
      this.paintedAt = performance.now();
      this.renderNow();
    }, waitMs);
  }

  private renderNow(): void {
    if (!this.state) return;
    const { engine, status, samples } = this.state;
    const { formats } = this;
    const run = (command: StatusCommand) => this.run(command);
    const act: RunAction = (action) => run({ type: "act", action });
    const working = engine.state.type !== "addonMissing";
    const now = Date.now();
    this.grid.show(
      this.failure && problemView(this.failure, formats, act),
      engineView(engine, status.nextModel, { formats, run: act, remainingMs: this.loadRemainingMs(now) }),
      status.pool && poolView(status.pool, status.agents, formats),
      agentsView(status.agents, formats, run, status.pool === undefined),
      status.pool && throughputView(status.metrics, samples, formats),
      status.threads.recent.length > 0 && threadsView(status.threads, { formats, now, run }),
      storeView(status.store, { formats, now, run }),
      working &&
        benchView(status.lastBench, status.benchRunning, {
          formats,
          now,
          remainingMs: this.benchRemainingMs(now),
          available: engine.state.type === "ready" || engine.state.type === "idle",
          run,
        }),
    );
  }

  private loadRemainingMs(now: number): number | undefined {
    const engine = this.state?.engine.state;
    if (engine?.type !== "loading") return undefined;
    return this.loadEta.remainingMs(engine.model, engine.done, engine.total, now);
  }

  private benchRemainingMs(now: number): number | undefined {
    const running = this.state?.status.benchRunning;
    if (!running) return undefined;
    return this.benchEta.remainingMs(running.suite, running.progress.done, running.progress.total, now);
  }

  private run(command: StatusCommand): void {
    const { markDone } = this.pressed;
    void this.host.request(command).then((problem) => {
      if (problem === undefined && command.type === "copy") {
        markDone();
        this.announcer.say("Copied");
      }
      if (problem === undefined && this.failure === undefined) return;
      this.failure = problem;
      this.render();
    });
  }
}
