import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Attachment } from "../../../src/common/attachments";
import { ResidentError } from "../../../src/common/errors";
import { silentLog } from "../../../src/common/log";
import type { ToolResult } from "../../../src/common/tools";
import type {
  AgentDetail,
  AgentSummary,
  ResidentService,
  Running,
  SamplingOptions,
} from "../../../src/protocol/service";
import { createLocalService } from "../../../src/service/localService";
import { FakeRuntime } from "../../support/agents/fakeRuntime";
import { attached } from "../../support/agents/workspaceFiles";
import type { FakeLocks } from "../../support/store/fakes";
import { type Finding, wrong } from "../verdict";
import type { Answer, Entry, Step } from "./journal";

export interface ProgramOptions {
  readonly home: string;
  readonly model: string;
  readonly locks: FakeLocks;
  readonly quotaBytes?: number;
  readonly journal?: (entry: Entry) => void;
}

const sampling: SamplingOptions = { temperature: 0, repetitionPenalty: 1, maxTokens: 6 };

/** Some messages bring a file. Which one follows from the text, so that a journal need not tell it. */
export function attachedTo(text: string): readonly Attachment[] {
  return text.includes("hill") ? [attached("hill", "high")] : [];
}

/** A program over a home: the real service over a device that needs no model. */
export class Program {
  private service: ResidentService;

  constructor(private readonly options: ProgramOptions) {
    this.service = this.open();
  }

  /** Does one step. Rejects as the service does. */
  async take(step: Step): Promise<void> {
    const agent = "name" in step && step.do !== "create" ? await this.find(step.name) : undefined;
    this.tell({ type: "begin", step, ...(agent && { id: agent.id }) });
    try {
      await this.takeNow(step, agent);
      this.tell({ type: "end" });
    } catch (error) {
      const code = error instanceof ResidentError ? error.code : "untyped";
      this.tell({ type: "end", code, what: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      throw error;
    }
  }

  /** Rejects with AGENT_NOT_FOUND when there is none. */
  async find(nameOrId: string): Promise<AgentSummary> {
    const found = await this.service.findAgent(nameOrId);
    if (found !== undefined) return found;
    throw new ResidentError("AGENT_NOT_FOUND", `there is no agent ${nameOrId}`, "choose another", { agent: nameOrId });
  }

  list() {
    return this.service.listAgents();
  }

  /** As `resident agents show`. */
  show(id: string) {
    return this.service.getAgent(id);
  }

  remove(id: string) {
    return this.service.deleteAgent(id);
  }

  repair(id: string) {
    return this.service.repairAgent(id);
  }

  /** Collects unreferenced files and returns those that are still there. */
  async collect(): Promise<readonly Finding[]> {
    try {
      const { unknown } = await this.service.collectStore();
      const { unreferenced } = await this.service.storeStats();
      return [
        ...unknown.map(({ agent, reason }) => wrong(`what ${agent} refers to is not known: ${reason}`)),
        ...(unreferenced.objects === 0
          ? []
          : [wrong(`left over: ${unreferenced.objects} blocks that nobody refers to`)]),
      ];
    } catch (error) {
      return [wrong(`collecting: ${error instanceof Error ? error.message : error}`)];
    }
  }

  rewind(id: string, turn: string | undefined) {
    return this.service.rewindAgent(id, turn);
  }

  /** Sends a message and waits for the answer. */
  ask(id: string, text: string): Promise<Answer> {
    return this.answered(id, text, () => this.service.send(id, { text, attachments: attachedTo(text), sampling }));
  }

  /** Gives each call of the last answer this result, and waits for what the model says to it. */
  async give(id: string, text: string): Promise<Answer> {
    const { turns } = await this.service.getAgent(id);
    const results = (turns.at(-1)?.calls ?? []).map(({ id: call }) => ({ call, text }));
    return this.answered(id, "", () => this.service.sendResults(id, { results, sampling }), results);
  }

  private async answered(
    id: string,
    user: string,
    start: () => Promise<Running>,
    results?: readonly ToolResult[],
  ): Promise<Answer> {
    // As the agent is when the turn starts: where the message does not fit the context the head goes back at once.
    let started: Promise<AgentDetail> | undefined;
    const subscription = this.service.onEvent((event) => {
      if (event.type === "turnStarted" && event.id === id) started ??= this.service.getAgent(id);
    });
    const running = await start().finally(() => subscription.dispose());
    const { id: turn = "", parent = null } = (await started)?.turns.at(-1) ?? {};
    this.tell({ type: "sent", id, turn, parent, user, ...(results && { results }) });
    const done = await running.done;
    const answer = { text: done.text, ids: done.tokenIds.join(" ") };
    this.tell({ type: done.saveError === undefined ? "answered" : "unsaved", id, turn, answer });
    return answer;
  }

  close(): Promise<void> {
    return this.service.dispose();
  }

  private async takeNow(step: Step, agent: AgentSummary | undefined): Promise<void> {
    const { service } = this;
    if (step.do === "list") {
      await service.listAgents();
      return;
    }
    if (step.do === "pause") {
      await wait(step.ms);
      return;
    }
    if (step.do === "collect") {
      await service.collectStore();
      return;
    }
    if (step.do === "restart") {
      await service.dispose();
      this.service = this.open();
      return;
    }
    if (step.do === "create") {
      const { id } = await service.createAgent({ name: step.name });
      this.tell({ type: "created", id, name: step.name });
      return;
    }
    if (agent === undefined) throw new Error(`nobody was found for ${step.do}`);
    const { id } = agent;
    switch (step.do) {
      case "ask":
        await this.ask(id, step.text);
        return;
      case "results":
        await this.give(id, step.text);
        return;
      case "fork": {
        const fork = await service.forkAgent(id, step.as);
        this.tell({ type: "forked", from: id, id: fork.id, name: step.as });
        return;
      }
      case "rewind": {
        const { turns } = await service.getAgent(id);
        const turn = turns.at(-1 - step.turns)?.id;
        await service.rewindAgent(id, turn);
        this.tell({ type: "rewound", id, turn: turn ?? null });
        return;
      }
      case "rename":
        await service.renameAgent(id, step.as);
        this.tell({ type: "renamed", id, name: step.as });
        return;
      case "save":
        await service.saveAgent(id);
        this.tell({ type: "saved", id });
        return;
      case "delete":
        await service.deleteAgent(id);
        this.tell({ type: "deleted", id });
        return;
    }
  }

  private tell(entry: Entry): void {
    this.options.journal?.(entry);
  }

  private open(): ResidentService {
    const { home, model, locks, quotaBytes = 64_000_000 } = this.options;
    return createLocalService(
      {
        home,
        starterModel: model,
        nativeStage: path.dirname(model),
        modelFolders: [],
        poolBytes: 128 * 1024,
        blockTokens: 8,
        storeQuotaBytes: quotaBytes,
      },
      new FakeRuntime(locks),
      silentLog,
    );
  }
}
