import { attachmentKinds, type LineRange } from "../../common/attachments";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { Emitter } from "../../common/events";
import type { AgentId } from "../../protocol/service";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { Memory } from "../window/memory";
import { type DraftFile, isSent } from "./draftFiles";

/** A text that a draft carries may be as long as a file: VS Code's memory has its digest, the shelf has it. */
export interface DraftTexts {
  put(text: { readonly digest: string; readonly text: string }): Promise<void>;
  get(digest: string): Promise<string | undefined>;
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
}

type KeptFile = Omit<DraftFile, "text">;

const memoryKey = "resident.draftFiles";
/** The last written ones are kept. */
const mostDrafts = 50;

/** What was attached to messages that are not sent, so that it is there again after a reload. */
export class KeptDraftFiles implements Disposable {
  private readonly store = new DisposableStore();
  /** Newest last. */
  private readonly kept: Map<AgentId, readonly KeptFile[]>;
  private readonly held = new Map<AgentId, readonly DraftFile[]>();
  private readonly loading = new Map<AgentId, Promise<readonly DraftFile[]>>();
  private writing: Promise<unknown> = Promise.resolve();
  private readonly changes = this.store.add(new Emitter<AgentId>());

  /** The draft of an agent carries something else now. */
  readonly onChange = this.changes.event;

  constructor(
    private readonly memory: Memory,
    private readonly texts: DraftTexts,
    service: Pick<ServiceHandle, "onEvent">,
    private readonly onError: (error: unknown) => void,
  ) {
    this.kept = new Map(readKept(memory.get(memoryKey)));
    this.store.add(
      service.onEvent((event) => {
        if (event.type === "agent" && event.summary === undefined) this.set(event.id, []);
      }),
    );
    const digests = new Set([...this.kept.values()].flatMap((files) => files.map(({ digest }) => digest)));
    this.writing = texts.keepOnly(digests).catch(onError);
  }

  /** A file whose text is lost is left out. */
  async get(agent: AgentId): Promise<readonly DraftFile[]> {
    const known = this.held.get(agent);
    if (known) return known;
    const loading = this.loading.get(agent) ?? this.load(this.kept.get(agent) ?? []);
    this.loading.set(agent, loading);
    const loaded = await loading;
    const held = this.held.get(agent) ?? loaded;
    this.held.set(agent, held);
    this.loading.delete(agent);
    return held;
  }

  /** `work` gets what the draft carries and returns what it carries then. */
  async change(agent: AgentId, work: (files: readonly DraftFile[]) => readonly DraftFile[]): Promise<void> {
    await this.get(agent);
    // What came in between is there already: nothing is awaited from here on.
    this.set(agent, work(this.held.get(agent) ?? []));
  }

  private set(agent: AgentId, files: readonly DraftFile[]): void {
    this.held.set(agent, files);
    const before = this.kept.get(agent) ?? [];
    if (files.length === 0 && before.length === 0) return;
    this.kept.delete(agent);
    if (files.length > 0)
      this.kept.set(
        agent,
        files.map(({ text: _, ...kept }) => kept),
      );
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= mostDrafts) break;
      this.kept.delete(oldest);
    }
    const known = new Set(before.map(({ digest }) => digest));
    this.write(files.filter((file) => isSent(file) && !known.has(file.digest)));
    this.changes.fire(agent);
  }

  /** Resolves when all that was set is on the disk. */
  async settled(): Promise<void> {
    await this.writing;
  }

  dispose(): void {
    this.store.dispose();
  }

  /** The texts first: what the memory names is there. */
  private write(added: readonly DraftFile[]): void {
    this.writing = this.writing
      .then(async () => {
        for (const file of added) await this.texts.put(file);
        await this.memory.update(memoryKey, [...this.kept]);
      })
      .catch(this.onError);
  }

  private async load(kept: readonly KeptFile[]): Promise<readonly DraftFile[]> {
    const files = await Promise.all(
      kept.map(async (file): Promise<DraftFile | undefined> => {
        const text = file.digest === "" ? "" : await this.texts.get(file.digest);
        return text === undefined ? undefined : { ...file, text };
      }),
    );
    return files.filter((file) => file !== undefined);
  }
}

/** An earlier version of the program may have written it: what is not understood is left out. */
function readKept(stored: unknown): readonly (readonly [AgentId, readonly KeptFile[]])[] {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((entry: unknown) => {
    if (!Array.isArray(entry)) return [];
    const [id, files]: readonly unknown[] = entry;
    if (typeof id !== "string" || !Array.isArray(files)) return [];
    return [[id, files.flatMap((file: unknown) => readFile(file) ?? [])] as const];
  });
}

function readFile(value: unknown): KeptFile | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("kind" in value && "path" in value && "digest" in value)) return undefined;
  const { path, digest } = value;
  const kind = attachmentKinds.find((known) => known === value.kind);
  if (kind === undefined || typeof path !== "string" || typeof digest !== "string") return undefined;
  const range = "range" in value ? readRange(value.range) : undefined;
  const problem = "problem" in value && typeof value.problem === "string" ? value.problem : undefined;
  return { kind, path, digest, ...(range && { range }), ...(problem === undefined ? {} : { problem }) };
}

function readRange(value: unknown): LineRange | undefined {
  if (typeof value !== "object" || value === null || !("from" in value && "to" in value)) return undefined;
  const { from, to } = value;
  return typeof from === "number" && typeof to === "number" ? { from, to } : undefined;
}
