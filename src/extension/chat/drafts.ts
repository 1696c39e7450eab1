import { type Disposable, DisposableStore } from "../../common/disposables";
import type { MessageDraft } from "../../protocol/chat";
import type { AgentId } from "../../protocol/service";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { Memory } from "../window/memory";

type DraftList = readonly (readonly [AgentId, MessageDraft])[];

const memoryKey = "resident.drafts";
/** The last written ones are kept. */
const mostDrafts = 50;
/** UTF-16 units of all drafts together: VS Code reads the whole memory of a workspace at its start. */
const mostLength = 256 * 1024;

/** What was written to agents and not sent, so that it is there again when a panel was closed. Newest first. */
export class Drafts implements Disposable {
  private readonly store = new DisposableStore();
  private drafts: DraftList;

  constructor(
    private readonly memory: Memory,
    service: Pick<ServiceHandle, "onEvent">,
    private readonly onError: (error: unknown) => void,
  ) {
    this.drafts = readDrafts(memory.get(memoryKey));
    this.store.add(
      service.onEvent((event) => {
        if (event.type === "agent" && event.summary === undefined) this.set(event.id, undefined);
      }),
    );
  }

  get(agent: AgentId): MessageDraft | undefined {
    return this.drafts.find(([id]) => id === agent)?.[1];
  }

  /** An empty one is forgotten, as is one that is longer than all drafts together may be. */
  set(agent: AgentId, draft: MessageDraft | undefined): void {
    const before = this.get(agent);
    const isKept = draft !== undefined && draft.text.trim() !== "" && draft.text.length <= mostLength;
    if (before?.text === draft?.text && before?.instead === draft?.instead) return;
    if (before === undefined && !isKept) return;
    const others = this.drafts.filter(([id]) => id !== agent);
    this.drafts = bounded(isKept ? [[agent, draft], ...others] : others);
    this.memory.update(memoryKey, this.drafts).then(undefined, this.onError);
  }

  dispose(): void {
    this.store.dispose();
  }
}

function bounded(drafts: DraftList): DraftList {
  let length = 0;
  const end = drafts.findIndex(([, { text }], index) => {
    length += text.length;
    return index >= mostDrafts || length > mostLength;
  });
  return end < 0 ? drafts : drafts.slice(0, end);
}

/** An earlier version of the program may have written it: what is not understood is left out. */
function readDrafts(stored: unknown): DraftList {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return [];
    const [id, draft]: readonly unknown[] = entry;
    const message = readDraft(draft);
    return typeof id === "string" && message ? [[id, message] as const] : [];
  });
}

function readDraft(value: unknown): MessageDraft | undefined {
  if (typeof value !== "object" || value === null || !("text" in value)) return undefined;
  const { text } = value;
  const instead = "instead" in value ? value.instead : undefined;
  if (typeof text !== "string") return undefined;
  return typeof instead === "string" ? { text, instead } : { text };
}
