import { join } from "node:path";
import * as vscode from "vscode";
import { Acting } from "../../acting/acting";
import { PendingApprovals } from "../../acting/approvals";
import { BuiltInTools } from "../../acting/builtInTools";
import { ForkDelegates } from "../../acting/delegates";
import { folderKey } from "../../acting/paths";
import type { ActingPorts, Clock, LoopPorts } from "../../acting/ports";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import { createFormats, plural } from "../../common/format";
import type { ActingCommand, ActingSnapshot, ActingUpdate } from "../../protocol/chatActing";
import type { AgentId, AgentSummary, TurnId } from "../../protocol/service";
import { turnsOf } from "../../protocol/turnSteps";
import type { Failures } from "../commands/failures";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { readSetting } from "../engine/settingsReader";
import { digestOf } from "../files/digest";
import { tokenOf } from "../window/tokens";
import { ActingAgents } from "./actingAgents";
import { actingDoor } from "./actingDoor";
import { ActingFiles } from "./actingFiles";
import { AgentPermissions } from "./agentPermissions";
import { ChangeFiles } from "./changeFiles";
import { Decisions } from "./decisions";
import { EditorProblems } from "./editorProblems";
import { EditorWorkspace } from "./editorWorkspace";
import { uriOf } from "./folders";
import { HostTools } from "./hostTools";
import { KeptQuestions } from "./keptQuestions";
import { KeptWays } from "./keptWays";
import { LeftQuestions } from "./leftQuestions";
import { askPutBack, showPutBack } from "./putBackDialogs";
import { filesToPutBack, type PutBackChoice, putFilesBack } from "./putFilesBack";
import type { RewindPorts } from "./rewinding";
import { RememberedFiles } from "./seenFiles";
import { TerminalCommands } from "./terminalCommands";
import { isSavingEdits, turnLimits } from "./toolSettings";
import { TurnFacts, type TurnFactsOf } from "./turnFacts";
import { WaysOfAgents } from "./waysOfAgents";

export interface WorkspaceActingOptions {
  readonly service: ServiceHandle;
  readonly failures: Failures;
  readonly memory: vscode.Memento;
  /** The core's home: what agents did is kept there too. */
  readonly home: string;
  /** Folder of the extension's bundles. */
  readonly bundles: string;
}

/** Agents that act in this window: their ports, what waits for the person, and what pages are told. */
export class WorkspaceActing implements Disposable {
  private readonly store = new DisposableStore();
  private readonly files: ActingFiles;
  private readonly workspace: EditorWorkspace;
  private readonly facts: TurnFacts;
  private readonly changes: ChangeFiles;
  private readonly kept: KeptQuestions;
  private readonly left: LeftQuestions;
  readonly approvals: PendingApprovals;
  readonly agents: ActingAgents;
  readonly decisions: Decisions;
  readonly tools: HostTools;
  readonly ways: WaysOfAgents;

  constructor(private readonly options: WorkspaceActingOptions) {
    const { service, failures, memory, home, bundles } = options;
    const onError = (error: unknown) => failures.note(error);
    this.files = new ActingFiles(join(home, "acting"));
    this.facts = new TurnFacts(this.files);
    this.tools = new HostTools(Reflect.get(vscode, "lm"), tokenOf);
    this.approvals = this.store.add(new PendingApprovals(onError));
    this.changes = this.store.add(new ChangeFiles());
    const isSaved = () => isSavingEdits(readSetting);
    this.workspace = new EditorWorkspace({ digest: digestOf, isSaved, searchWorker: join(bundles, "search.js") });
    const seen = new RememberedFiles(memory, "resident.acting.seen", onError);
    const ports: ActingPorts = {
      door: actingDoor(service),
      approvals: this.approvals,
      permissions: new AgentPermissions(),
      journal: this.files,
      clock,
      limits: () => turnLimits(readSetting),
      workspace: this.workspace,
      commands: this.store.add(new TerminalCommands((agent) => this.agents.nameOf(agent))),
      problems: new EditorProblems(),
      others: this.tools,
      seen,
      checkpoints: this.files,
      digest: digestOf,
    };
    const acting = this.store.add(new Acting(ports, onError));
    const hasTool = (name: string) => this.tools.has(name);
    this.agents = this.store.add(new ActingAgents({ service, acting, hasTool, onError }));
    const { language } = vscode.env;
    this.ways = this.store.add(
      new WaysOfAgents({
        ...{ service, agents: this.agents, loop: loopPortsOf(ports), language, onError },
        kept: new KeptWays(memory, onError),
      }),
    );
    this.decisions = this.store.add(
      new Decisions(this.approvals, this.changes, (agent) => this.agents.nameOf(agent), onError),
    );
    const { approvals, agents } = this;
    // Behind what asks, to be disposed before it.
    this.kept = this.store.add(new KeptQuestions(join(home, "waiting", workspaceKey()), approvals, onError));
    this.left = this.store.add(new LeftQuestions({ kept: this.kept, approvals, agents, after: clock.after, onError }));
    this.store.add(acting.onState(({ agent, state }) => this.facts.note(agent, state.calls)));
    this.store.add(
      service.onEvent((event) => {
        if (event.type !== "agent" || event.summary !== undefined) return;
        this.facts.forget(event.id);
        seen.forget(event.id);
        this.ways.forget(event.id);
        this.kept.forget(event.id);
        this.files.forget(event.id).catch(onError);
      }),
    );
    this.left.start().catch(onError);
    this.changes.closeStale().catch(onError);
    this.files.trim().catch(onError);
  }

  dispose(): void {
    this.store.dispose();
  }

  /** What a page shows of the agent. */
  snapshot(agent: AgentSummary): ActingSnapshot {
    this.agents.note(agent);
    const ways = this.ways.stateOf(agent.id);
    return { acting: this.agents.stateOf(agent.id), ...(ways && { ways }) };
  }

  /** For the turns that a page shows; call `load` before. */
  factsOf(agent: AgentId): TurnFactsOf {
    return this.facts.of(agent);
  }

  /** What was written lately, for `factsOf`, and for `snapshot` ways that wait to be chosen from and a question that waits. */
  async load(agent: AgentId): Promise<void> {
    const note = (error: unknown) => this.options.failures.note(error);
    await Promise.all([this.facts.load(agent).catch(note), this.ways.resume(agent).catch(note)]);
    await this.left.resume(agent); // not while ways wait: they hold the agent
  }

  /** News for the pages of an agent. */
  onUpdate(agent: AgentId, listener: (update: ActingUpdate) => void): Disposable {
    const store = new DisposableStore();
    store.add(
      this.agents.onChange((changed) => {
        if (changed === agent) listener({ type: "acting", state: this.agents.stateOf(agent) });
      }),
    );
    store.add(
      this.ways.onUpdate((update) => {
        if (update.agent === agent) listener(update.update);
      }),
    );
    return store;
  }

  /** What a chat's page asks for. */
  async handle(agent: AgentId, command: ActingCommand): Promise<void> {
    switch (command.type) {
      case "decide":
        return this.decisions.decide(agent, command.call, command.way, command.text);
      case "openDiff":
        return this.openDiff(agent, command.call);
      case "goOn":
        return this.agents.goOn(agent);
      case "openAgent":
        await vscode.commands.executeCommand(commands.openAgent, { agent: command.agent });
        return;
      case "ways":
        return this.ways.begin(agent, command.turn, command.count);
      case "chooseWay":
        return this.ways.choose(agent, command.way);
      case "compact":
        await vscode.commands.executeCommand(commands.compactConversation, { agent });
        return;
      case "tools":
        await vscode.commands.executeCommand(commands.chooseTools, { agent });
        return;
      case "restoreFiles":
        await vscode.commands.executeCommand(commands.putFilesBack, { agent, turn: command.turn });
        return;
    }
  }

  async stop(agent: AgentId): Promise<void> {
    await this.ways.stop(agent);
    await this.agents.stop(agent);
  }

  /** Puts back what was written from `turn` on. `choice`: the person has said so already. */
  async putBack(agent: AgentId, turn: TurnId, choice?: PutBackChoice): Promise<readonly string[]> {
    const { turns } = await (await this.options.service.get()).getAgent(agent);
    const nodes = turnsOf(turns);
    const first = nodes.findIndex((steps) => steps.some(({ id }) => id === turn));
    if (first < 0) throw new InvalidRequestError("this turn is not in the conversation any more", "choose another");
    const ids = nodes.slice(first).flatMap((steps) => steps.map(({ id }) => id));
    return this.putTurnsBack(agent, ids, choice);
  }

  /** How a head is moved. */
  get rewinding(): RewindPorts {
    return {
      settle: (agent) => this.agents.settle(agent),
      hasWritten: async (agent) => (await this.files.list(agent)).length > 0,
      offer: (agent, left) => {
        this.offer(agent, left).catch((error: unknown) => this.options.failures.show(error));
      },
    };
  }

  private async offer(agent: AgentId, left: readonly TurnId[]): Promise<void> {
    const count = await filesToPutBack(agent, left, this.putBackPorts);
    if (count === 0) return;
    const files = plural(count, "file", createFormats(vscode.env.language));
    const put = "Put Files Back…";
    const text = `${files} changed in the turns that ${this.agents.nameOf(agent)} went back from.`;
    if ((await vscode.window.showInformationMessage(text, put)) === put) await this.putTurnsBack(agent, left);
  }

  private async putTurnsBack(
    agent: AgentId,
    turns: readonly TurnId[],
    choice?: PutBackChoice,
  ): Promise<readonly string[]> {
    await this.agents.settle(agent);
    const ask = choice === undefined ? askPutBack : async () => choice;
    const done = await putFilesBack(agent, turns, this.putBackPorts, ask);
    if (done === undefined) {
      if ((await filesToPutBack(agent, turns, this.putBackPorts)) === 0) {
        void vscode.window.showInformationMessage("No file has to be put back.");
      }
      return [];
    }
    showPutBack(done);
    return done.restored;
  }

  /** Of a change that waits, the proposal; of one that was made, the file as it was before, next to the file itself. */
  private async openDiff(agent: AgentId, call: string): Promise<void> {
    if (this.approvals.questionOf(agent, call) !== undefined) return this.decisions.decide(agent, call, "openDiff");
    const writes = (await this.files.list(agent)).filter((write) => write.call === call);
    const [first] = writes;
    if (first === undefined)
      throw new InvalidRequestError("there is no copy of this change any more", "look at the file");
    const before = first.before === undefined ? "" : await this.files.text(agent, first.before);
    if (before === undefined) throw new InvalidRequestError("the copy from before is gone", "look at the file");
    const folder = this.workspace.folders().findIndex((one) => folderKey(one) === first.folder);
    if (folder < 0) throw new InvalidRequestError("the folder of this file is not open", "open it first");
    await this.changes.showMade(agent, call, before, uriOf({ folder, path: first.path, shown: first.path }));
  }

  private get putBackPorts() {
    return { checkpoints: this.files, workspace: this.workspace };
  }
}

const clock: Clock = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return { dispose: () => clearTimeout(timer) };
  },
};

/** The same for all windows of a workspace, now and later. */
function workspaceKey(): string {
  const { workspaceFile, workspaceFolders = [] } = vscode.workspace;
  const places = workspaceFile === undefined ? workspaceFolders.map(({ uri }) => uri) : [workspaceFile];
  return digestOf(places.map(String).join("\n"));
}

/** For loops that are not an agent's own. */
function loopPortsOf(ports: ActingPorts): LoopPorts {
  const delegates = new ForkDelegates(() => loop);
  const loop = { ...ports, tools: new BuiltInTools({ ...ports, delegates }) };
  return loop;
}
