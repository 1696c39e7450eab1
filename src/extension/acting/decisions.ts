import type { PendingApprovals } from "../../acting/approvals";
import type { Question } from "../../acting/ports";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import { shownName } from "../../common/shownName";
import type { ApprovalWay } from "../../protocol/acting";
import type { AgentId } from "../../protocol/service";
import type { ChangeFiles } from "./changeFiles";

/** What the person decides, wherever it is said: in a chat, in a list, in a diff editor. */
export class Decisions implements Disposable {
  private readonly store = new DisposableStore();

  constructor(
    private readonly approvals: PendingApprovals,
    private readonly changes: Pick<ChangeFiles, "show" | "accepted" | "closeOthers">,
    private readonly nameOf: (agent: AgentId) => string,
    onError: (error: unknown) => void,
  ) {
    // A question that is gone takes its diff editor along.
    const close = () => changes.closeOthers((agent, call) => approvals.questionOf(agent, call) !== undefined);
    this.store.add(approvals.onChange(() => close().catch(onError)));
  }

  dispose(): void {
    this.store.dispose();
  }

  /** `text`: the answer to the agent's question, or why something is refused. */
  async decide(agent: AgentId, call: string, way: ApprovalWay, text?: string): Promise<void> {
    const question = this.approvals.questionOf(agent, call);
    if (question === undefined) throw decided();
    if (way === "openDiff") return this.openDiff(question);
    const said = text ?? (way === "deny" ? undefined : await this.editedText(question));
    if (!this.approvals.decide(agent, call, { way, ...(said === undefined ? {} : { text: said }) })) throw decided();
  }

  private async openDiff({ agent, call, change }: Question): Promise<void> {
    if (change === undefined) throw new InvalidRequestError("this changes no file", "decide about it in the chat");
    await this.changes.show(agent, call.id, change, `${change.file.shown} (${shownName(this.nameOf(agent))})`);
  }

  /** A person who took parts of a change out of the diff editor accepts the rest. */
  private async editedText({ agent, call, change }: Question): Promise<string | undefined> {
    return change?.after === undefined ? undefined : this.changes.accepted(agent, call.id, change.after);
  }
}

function decided(): InvalidRequestError {
  return new InvalidRequestError("this is decided already, or the agent was stopped", "look at what it does now");
}
