import { isDeepStrictEqual } from "node:util";
import { type Attachment, attachmentLimits, type PinnedFile, type PinnedFileView } from "../../common/attachments";
import { inBatches } from "../../common/batches";
import { InvalidRequestError, toErrorInfo } from "../../common/errors";
import type { AgentId, AgentSummary, ResidentService, TurnId } from "../../protocol/service";
import { TaskQueue } from "../pages/taskQueue";
import type { FileReading } from "./fileReading";
import { changesToTell, lookAt, needsRenewal, type Pin, type RefusedPin, type Renewal } from "./pin";
import { pinnedFileState } from "./pinChips";
import { type ChangeRank, pinOrder } from "./pinOrder";
import type { PinSources } from "./pinSources";

/** Files that are read at once. */
const readAtOnce = 8;
/** A save is often followed by another change: a formatter, a second file. */
const settleMs = 100;

export type PinDoor = Pick<ResidentService, "setPinnedFiles" | "warmAgent" | "pinnedText" | "toldChanges">;

export interface PinPorts {
  readonly door: () => Promise<PinDoor>;
  /** As it was saved last. */
  readonly read: (file: string) => Promise<FileReading>;
  readonly sources: Pick<PinSources, "find" | "keep">;
  /** The file of a path in this workspace; `undefined`: there is none. */
  readonly locate: (path: string) => Promise<string | undefined>;
  readonly rankOf: (file: string | undefined, modifiedAt: number) => ChangeRank;
  /** The part of the pinned text that may be different before it is read anew, 0 to 1. */
  readonly renewShare: () => number;
  /** Something that a page shows of them is different. */
  readonly onChange: () => void;
  /** The next message begins with something else. */
  readonly onTold: () => void;
  readonly onError: (error: unknown) => void;
}

/** A file that shall be pinned. */
export interface PinWish {
  readonly path: string;
  readonly file: string;
}

/**
 * The pinned files of one agent. Notices when they change, tells the next message what is different, and has them read anew
 * when too much is.
 */
export class AgentPins {
  pins: readonly Pin[] = [];
  refused: readonly RefusedPin[] = [];
  renewal: Renewal | undefined;
  /** From this one on they are being read. */
  readingFrom: number | undefined;
  summary: AgentSummary | undefined;
  /** The digest of what the conversation says last of each file. */
  told: ReadonlyMap<string, string> = new Map();
  /** All that looks at files or changes what is pinned, in its order. */
  private readonly queue: TaskQueue;
  private readonly touchedFiles = new Set<string>();
  private settling: ReturnType<typeof setTimeout> | undefined;
  private renewalWanted = false;
  /** As a page shows them. */
  private shown = "";

  constructor(
    private readonly agent: AgentId,
    private readonly ports: PinPorts,
  ) {
    this.queue = new TaskQueue(ports.onError);
  }

  dispose(): void {
    clearTimeout(this.settling);
  }

  /** What the core says of the agent. Other windows and programs pin files too. */
  see(summary: AgentSummary): void {
    this.summary = summary;
    const { files = [] } = summary;
    // Their tokens are counted later.
    if (this.has(files)) this.pins = this.pins.map((pin, at) => ({ ...pin, ...files[at] }));
    else this.queue.add(() => this.take(files));
    if (this.renewalWanted && isIdle(summary)) this.queue.add(() => this.renewIfNeeded());
    this.report();
  }

  /** A file was saved, or changed in some other way: it is looked at soon, if it is one of them. */
  touched(file: string): void {
    if (!this.pins.some((pin) => pin.file === file)) return;
    this.touchedFiles.add(file);
    this.settling ??= setTimeout(() => this.lookSoon(), settleMs);
  }

  /** `path`: the new one. */
  renamed(from: string, to: string, path: string): void {
    this.pins = this.pins.map((pin) => (pin.file === from ? withPlace(pin, to, path) : pin));
    this.touched(to);
  }

  /** Resolves when every change that was noticed has been looked at. */
  async settled(): Promise<void> {
    if (this.settling !== undefined) this.lookSoon();
    await new Promise<void>((resolve) => this.queue.add(async () => resolve()));
  }

  /** What a message tells of changes: after the head, or in place of the message of a turn. */
  async changes(instead?: TurnId): Promise<readonly Attachment[]> {
    await this.settled();
    if (this.pins.length === 0) return [];
    const said = await (await this.ports.door()).toldChanges(this.agent, instead);
    const told = new Map(said.map(({ path, digest }) => [path, digest]));
    if (instead === undefined) {
      this.told = told;
      this.report();
    }
    return changesToTell(this.pins, told);
  }

  /** Adds files. What cannot be pinned is told by `refused`; so is what the caller refuses. */
  pin(wishes: readonly PinWish[], refused: readonly RefusedPin[] = []): Promise<void> {
    return this.inTurn(async () => {
      const known = new Set(this.pins.map(({ path }) => path));
      const fresh = [...new Map(wishes.map((wish) => [wish.path, wish])).values()].filter(
        ({ path }) => !known.has(path),
      );
      const room = attachmentLimits.pinnedFiles - this.pins.length;
      const readings = await inBatches(fresh.slice(0, room), readAtOnce, (wish) => this.reading(wish));
      const added = readings.flatMap(({ wish, reading }) => (reading.is === "text" ? [{ wish, reading }] : []));
      this.refuse([
        ...refused,
        ...readings.flatMap(({ wish, reading }) => refusalOf(wish.path, reading)),
        ...fresh
          .slice(room)
          .map(({ path }) => ({ path, problem: `An agent takes ${attachmentLimits.pinnedFiles} files.` })),
      ]);
      if (added.length === 0) return this.report();
      const files = new Map<string, PinnedFile>();
      for (const file of await this.asPinned()) files.set(file.path, file);
      for (const { wish, reading } of added) files.set(wish.path, pinned(wish.path, reading));
      const ranks = new Map(
        added.map(({ wish, reading }) => [wish.path, this.ports.rankOf(wish.file, reading.modifiedAt)]),
      );
      const current = this.pins.map(({ path }) => path);
      const order = pinOrder(
        [...files.keys()],
        current,
        () => false,
        (path) => ranks.get(path) ?? noRank,
      );
      this.ports.sources.keep(
        added.map(({ wish, reading }) => ({ path: wish.path, digest: reading.digest, file: wish.file })),
      );
      this.renewal = undefined;
      await this.set(order.flatMap((path) => files.get(path) ?? []));
    });
  }

  /** Also takes away what was refused. Rejects with INVALID_REQUEST for a path that is not there. */
  unpin(path: string): Promise<void> {
    return this.inTurn(async () => {
      const isRefused = this.refused.some((one) => one.path === path);
      this.refused = this.refused.filter((one) => one.path !== path);
      if (!this.pins.some((pin) => pin.path === path)) {
        if (isRefused) return this.report();
        throw new InvalidRequestError(`${path} is not pinned`, "choose one of the pinned files", { path });
      }
      this.renewal = undefined;
      await this.set((await this.asPinned()).filter((file) => file.path !== path));
    });
  }

  /** Has them read anew as they are now, from the first one that has changed. */
  renew(): Promise<void> {
    return this.inTurn(() => this.renewNow());
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => this.queue.add(() => work().then(resolve, reject)));
  }

  private has(files: readonly PinnedFileView[]): boolean {
    const { pins } = this;
    return (
      files.length === pins.length &&
      files.every(({ path, digest }, at) => pins[at]?.path === path && pins[at].digest === digest)
    );
  }

  /** Nothing is looked at again that is known. */
  private async take(files: readonly PinnedFileView[]): Promise<void> {
    if (this.has(files)) return;
    const known = new Map(this.pins.map((pin) => [`${pin.digest} ${pin.path}`, pin]));
    const found = await inBatches(files, readAtOnce, async (file) => {
      const before = known.get(`${file.digest} ${file.path}`);
      if (before) return { pin: { ...before, ...file }, isHere: before.file !== undefined };
      return this.found(file);
    });
    // One that is here with its text shows that the agent is at home in this workspace.
    const isAtHome = found.some(({ isHere }) => isHere);
    this.pins = found.map(({ pin, like }) => (isAtHome && like !== undefined ? { ...pin, file: like } : pin));
    await this.look(this.pins.filter(({ now }) => now.is === "unknown"));
  }

  /**
   * A file that nobody here has pinned may be the one of that path in the workspace, `like`: it is where that has the same
   * text.
   */
  private async found(
    pinnedFile: PinnedFileView,
  ): Promise<{ readonly pin: Pin; readonly isHere: boolean; readonly like?: string }> {
    const { sources, locate, read } = this.ports;
    const pin: Pin = { ...pinnedFile, now: { is: "unknown" } };
    const known = sources.find(pinnedFile);
    if (known) return { pin: { ...pin, ...known }, isHere: false };
    const file = await locate(pinnedFile.path);
    if (file === undefined) return { pin, isHere: false };
    const reading = await read(file);
    if (reading.is === "text" && reading.digest === pinnedFile.digest) return { pin: { ...pin, file }, isHere: true };
    return { pin, isHere: false, like: file };
  }

  private lookSoon(): void {
    clearTimeout(this.settling);
    this.settling = undefined;
    const files = new Set(this.touchedFiles);
    this.touchedFiles.clear();
    this.queue.add(() => this.look(this.pins.filter(({ file }) => file !== undefined && files.has(file))));
  }

  private async look(pins: readonly Pin[]): Promise<void> {
    const looked = await inBatches(pins, readAtOnce, async (pin) => [pin.path, await this.lookAt(pin)] as const);
    const nows = new Map(looked);
    const before = changesToTell(this.pins, this.told);
    this.pins = this.pins.map((pin) => ({ ...pin, now: nows.get(pin.path) ?? pin.now }));
    this.report();
    await this.renewIfNeeded();
    if (!isDeepStrictEqual(before, changesToTell(this.pins, this.told))) this.ports.onTold();
  }

  private report(): void {
    const shown = JSON.stringify(pinnedFileState(this, []));
    if (shown === this.shown) return;
    this.shown = shown;
    this.ports.onChange();
  }

  private async lookAt(pin: Pin): Promise<Pin["now"]> {
    if (pin.file === undefined) return { is: "elsewhere" };
    return lookAt(pin, await this.ports.read(pin.file), () => this.pinnedText(pin));
  }

  /** An agent that answers goes on with what it has. */
  private async renewIfNeeded(): Promise<void> {
    this.renewalWanted = needsRenewal(this.pins, this.ports.renewShare());
    if (!this.renewalWanted || !isIdle(this.summary)) return;
    try {
      await this.renewNow();
    } catch (error) {
      if (toErrorInfo(error).code !== "AGENT_BUSY") throw error;
      this.renewalWanted = true; // when the agent is idle again
    }
  }

  private async renewNow(): Promise<void> {
    const before = this.pins;
    const readings = await inBatches(before, readAtOnce, async (pin) => ({ pin, reading: await this.current(pin) }));
    const kept = readings.flatMap(({ pin, reading }) => {
      const path = pin.movedTo ?? pin.path;
      return reading.is === "text" ? [{ pin, path, reading }] : [];
    });
    const isNew = new Set(kept.filter(({ pin, path, reading }) => path !== pin.path || reading.digest !== pin.digest));
    const gone = readings.flatMap(({ pin, reading }) => refusalOf(pin.path, reading));
    this.renewalWanted = false;
    if (isNew.size === 0 && gone.length === 0) return;
    const byPath = new Map(kept.map((one) => [one.path, one]));
    const order = pinOrder(
      [...byPath.keys()],
      before.map(({ path }) => path),
      (path) => [...isNew].some((one) => one.path === path),
      (path) => {
        const one = byPath.get(path);
        return one === undefined ? noRank : this.ports.rankOf(one.pin.file, one.reading.modifiedAt);
      },
    );
    const sources = kept.flatMap(({ pin, path, reading }) =>
      pin.file === undefined ? [] : [{ path, digest: reading.digest, file: pin.file }],
    );
    this.ports.sources.keep(sources);
    this.refuse(gone);
    const renewal = { changed: isNew.size + gone.length, of: before.length };
    await this.set(
      order.flatMap((path) => {
        const one = byPath.get(path);
        return one === undefined ? [] : [pinned(path, one.reading)];
      }),
    );
    this.renewal = renewal;
    this.report();
  }

  /** What is pinned already, with its texts as the agent has them. */
  private asPinned(): Promise<readonly PinnedFile[]> {
    return inBatches(this.pins, readAtOnce, async (pin) => {
      const { path, digest } = pin;
      const reading = pin.file === undefined ? undefined : await this.ports.read(pin.file);
      const isSame = reading?.is === "text" && reading.digest === digest;
      return { path, digest, text: isSame ? reading.text : await this.pinnedText(pin) };
    });
  }

  private async pinnedText({ path }: Pin): Promise<string> {
    return (await this.ports.door()).pinnedText(this.agent, path);
  }

  private async reading(wish: PinWish): Promise<{ readonly wish: PinWish; readonly reading: FileReading }> {
    return { wish, reading: await this.ports.read(wish.file) };
  }

  /** A file of another workspace stays as it is pinned. */
  private async current(pin: Pin): Promise<FileReading> {
    if (pin.file !== undefined) return this.ports.read(pin.file);
    return { is: "text", text: await this.pinnedText(pin), digest: pin.digest, modifiedAt: 0 };
  }

  private refuse(added: readonly RefusedPin[]): void {
    this.refused = [...new Map([...this.refused, ...added].map((one) => [one.path, one])).values()];
  }

  /** Sets them, and has them read in the background. */
  private async set(files: readonly PinnedFile[]): Promise<void> {
    const door = await this.ports.door();
    const before = this.pins;
    const summary = await door.setPinnedFiles(this.agent, files);
    this.summary = summary;
    this.refused = this.refused.filter(({ path }) => !files.some((file) => file.path === path));
    const first = files.findIndex(({ digest }, at) => before[at]?.digest !== digest);
    this.readingFrom = first < 0 ? files.length : first;
    await this.take(summary.files ?? []);
    this.report();
    this.read(door).catch(this.ports.onError);
  }

  private async read(door: PinDoor): Promise<void> {
    try {
      this.summary = await door.warmAgent(this.agent);
    } finally {
      this.readingFrom = undefined;
      this.report();
    }
  }
}

const noRank: ChangeRank = { saves: 0, changedAt: 0 };

function isIdle(summary: AgentSummary | undefined): boolean {
  if (summary === undefined || summary.lockedElsewhere || summary.damage !== undefined) return false;
  const { state, waitsFor } = summary;
  return (state === "idle" || state === "reading" || state === "restoring") && waitsFor === undefined;
}

function withPlace(pin: Pin, file: string, path: string): Pin {
  const { movedTo: _, ...rest } = pin;
  return path === pin.path ? { ...rest, file } : { ...rest, file, movedTo: path };
}

function pinned(path: string, { digest, text }: Extract<FileReading, { is: "text" }>): PinnedFile {
  return { path, digest, text };
}

function refusalOf(path: string, reading: FileReading): readonly RefusedPin[] {
  switch (reading.is) {
    case "text":
      return [];
    case "missing":
      return [{ path, problem: "It is not there any more." }];
    case "folder":
      return [{ path, problem: "It is a folder." }];
    case "refused":
      return [{ path, problem: reading.problem }];
  }
}
