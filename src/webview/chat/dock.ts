import type { Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import type { Problem } from "../../protocol/page";
import { afterWriting, Composer } from "../shared/composer";
import { engineNotice } from "../shared/engineNotice";
import { Eta } from "../shared/eta";
import { part } from "../shared/frame";
import { problemView, type RunAction } from "../shared/problem";
import { Slot } from "../shared/slot";
import type { TreeNode } from "../shared/tree";
import { sendBlocked } from "./derived";

export interface DockPorts {
  /** Resolves when the host has done it, with the problem when it could not. */
  readonly request: (command: ChatCommand) => Promise<Problem | undefined>;
  readonly run: (command: ChatCommand) => void;
  /** The draft is another one. */
  readonly changed: () => void;
  /** A message is on its way. */
  readonly sent: () => void;
  readonly render: () => void;
}

/** What stands below the transcript: the failure of the last command, the engine's state, the message. */
export class Dock {
  readonly element = part("footer", "dock");
  readonly composer: Composer;
  /** The last command's failure, shown above the message until the next one. */
  failure: Problem | undefined;
  private readonly notices = new Slot(part("div", "slot stack"));
  private readonly eta = new Eta();
  private readonly readSoon = afterWriting(() => this.readAhead());
  private snapshot: ChatSnapshot | undefined;

  /** `above` stands over the transcript's end. */
  constructor(
    private readonly ports: DockPorts,
    above: HTMLElement,
  ) {
    this.composer = new Composer({
      send: (text) => this.send(text),
      changed: () => {
        ports.changed();
        this.readSoon();
      },
    });
    const column = part("div", "col");
    column.append(above, this.notices.element, this.composer.element);
    this.element.append(column);
    this.composer.render({ label: "Message", placeholder: "", blocked: "Available when the agent is there." });
  }

  render(snapshot: ChatSnapshot, formats: Formats): void {
    this.snapshot = snapshot;
    const run: RunAction = (action) => this.ports.run({ type: "act", action });
    this.notices.show(this.failure && problemView(this.failure, formats, run), this.engineView(snapshot, formats, run));
    this.composer.render({
      label: `Message to ${snapshot.agent.name}`,
      placeholder: `Ask ${snapshot.agent.name} (Shift+Enter for a new line)`,
      blocked: sendBlocked(snapshot),
    });
  }

  insertDraft(text: string): void {
    const { draft } = this.composer;
    this.composer.draft = draft === "" || draft.endsWith("\n") ? draft + text : `${draft}\n${text}`;
    this.composer.field.focus();
  }

  private engineView({ engine }: ChatSnapshot, formats: Formats, run: RunAction): TreeNode | undefined {
    const { state } = engine;
    const remainingMs =
      state.type === "loading" ? this.eta.remainingMs(state.model, state.done, state.total, Date.now()) : undefined;
    return engineNotice(engine, { formats, run, remainingMs });
  }

  private send(text: string): void {
    this.composer.draft = "";
    this.ports.sent();
    void this.ports.request({ type: "send", text }).then((problem) => {
      this.failure = problem;
      // What could not be sent is not lost, nor is what was written since.
      if (problem) this.composer.draft = [text, this.composer.draft].filter((part) => part !== "").join("\n");
      this.ports.render();
    });
  }

  private readAhead(): void {
    const { snapshot } = this;
    if (snapshot === undefined || snapshot.readOnly !== undefined) return;
    void this.ports.request({ type: "readAhead", draft: this.composer.draft });
  }
}
