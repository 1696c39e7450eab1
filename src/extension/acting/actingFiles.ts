import { randomBytes } from "node:crypto";
import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoint, CheckpointStore, Journal, JournalEntry } from "../../acting/ports";
import { boundedJsonIn } from "../../common/boundedJson";
import { unlessMissing } from "../../common/errno";
import type { AgentId } from "../../protocol/service";
import { digestOf } from "../files/digest";
import { isCheckpoint, isJournal } from "./storedActing";

export interface ActingLimits {
  /** Of the texts and lists of all agents together. */
  readonly bytes: number;
  /** What no write has touched for so long goes. */
  readonly ms: number;
}

const actingLimits: ActingLimits = { bytes: 256 * 1024 * 1024, ms: 30 * 24 * 3600 * 1000 };

/** Agents whose lists stay in memory. */
const mostLists = 20;

/** Bytes that are written before the limits are looked at again. */
const trimEvery = 8 * 1024 * 1024;

/**
 * What is kept on disk of what agents do: which calls ran, and the files as they were before their writes. Each agent has a
 * folder: `journal.json`, `checkpoints.jsonl`, and `texts/`, whose files have their digest as name.
 */
export class ActingFiles implements Journal, CheckpointStore {
  /** Appends and replacements of one agent come one after the other. */
  private readonly queues = new Map<AgentId, Promise<unknown>>();
  private readonly lists = new Map<AgentId, { readonly bytes: number; readonly list: readonly Checkpoint[] }>();
  private written = 0;

  constructor(
    private readonly root: string,
    private readonly limits: ActingLimits = actingLimits,
    private readonly now: () => number = Date.now,
  ) {}

  async read(agent: AgentId): Promise<readonly JournalEntry[]> {
    const text = await textAt(join(this.folder(agent), "journal.json"));
    const entries: unknown = text === undefined ? [] : boundedJsonIn(text);
    return isJournal(entries) ? entries : [];
  }

  write(agent: AgentId, entries: readonly JournalEntry[]): Promise<void> {
    return this.queued(agent, async () => {
      const file = join(this.folder(agent), "journal.json");
      if (entries.length === 0) return rm(file, { force: true });
      await replace(file, JSON.stringify(entries));
    });
  }

  add(agent: AgentId, checkpoint: Checkpoint, texts: Readonly<Record<string, string>>): Promise<void> {
    return this.queued(agent, async () => {
      const folder = join(this.folder(agent), "texts");
      await mkdir(folder, { recursive: true });
      for (const [digest, text] of Object.entries(texts)) {
        const file = join(folder, nameOf(digest));
        if ((await sizeOf(file)) === undefined) await replace(file, text);
        this.written += text.length;
      }
      await appendFile(join(this.folder(agent), "checkpoints.jsonl"), `${JSON.stringify(checkpoint)}\n`);
      if (this.written < trimEvery) return;
      this.written = 0;
      await this.trim(agent);
    });
  }

  /** A line that a crash cut is left out. Read again only when the file has grown. */
  async list(agent: AgentId): Promise<readonly Checkpoint[]> {
    const file = join(this.folder(agent), "checkpoints.jsonl");
    const bytes = await bytesOf(file);
    const known = this.lists.get(agent);
    if (known?.bytes === bytes) return known.list;
    const list = checkpointsIn((await textAt(file)) ?? "");
    this.lists.delete(agent);
    this.lists.set(agent, { bytes, list });
    const [oldest] = this.lists.keys();
    if (this.lists.size > mostLists && oldest !== undefined) this.lists.delete(oldest);
    return list;
  }

  /** A text that is not what its name says counts as lost. */
  async text(agent: AgentId, digest: string): Promise<string | undefined> {
    const text = await textAt(join(this.folder(agent), "texts", nameOf(digest)));
    return text !== undefined && digestOf(text) === digest ? text : undefined;
  }

  forget(agent: AgentId): Promise<void> {
    return this.queued(agent, () => rm(this.folder(agent), { recursive: true, force: true }));
  }

  /** Removes what is too old, then whole agents' copies, the oldest first, until the rest fits. `except` is being used. */
  async trim(except?: AgentId): Promise<void> {
    const kept: { readonly folder: string; readonly bytes: number; readonly at: number }[] = [];
    for (const name of await namesIn(this.root)) {
      const folder = join(this.root, name);
      const { bytes, at } = await usageOf(folder);
      const isUsed = except !== undefined && name === nameOf(except);
      if (!isUsed && this.now() - at > this.limits.ms) await rm(folder, { recursive: true, force: true });
      else kept.push({ folder, bytes, at: isUsed ? Number.POSITIVE_INFINITY : at });
    }
    let bytes = kept.reduce((sum, one) => sum + one.bytes, 0);
    for (const one of kept.sort((a, b) => a.at - b.at)) {
      if (bytes <= this.limits.bytes) break;
      if (one.at === Number.POSITIVE_INFINITY) {
        await this.trimTexts(one.folder, bytes - this.limits.bytes);
        break;
      }
      await rm(one.folder, { recursive: true, force: true });
      bytes -= one.bytes;
    }
  }

  /** The oldest texts of an agent: what they belonged to cannot be put back any more, and says so. */
  private async trimTexts(folder: string, surplus: number): Promise<void> {
    const texts: { readonly file: string; readonly bytes: number; readonly at: number }[] = [];
    for (const name of await namesIn(join(folder, "texts"))) {
      const file = join(folder, "texts", name);
      const { size, mtimeMs } = await stat(file);
      texts.push({ file, bytes: size, at: mtimeMs });
    }
    let left = surplus;
    for (const { file, bytes } of texts.sort((a, b) => a.at - b.at).slice(0, -2)) {
      if (left <= 0) break;
      await rm(file, { force: true });
      left -= bytes;
    }
  }

  private folder(agent: AgentId): string {
    return join(this.root, nameOf(agent));
  }

  private queued<T>(agent: AgentId, work: () => Promise<T>): Promise<T> {
    const before = this.queues.get(agent) ?? Promise.resolve();
    const done = before.catch(() => {}).then(work);
    this.queues.set(agent, done);
    const forget = () => {
      if (this.queues.get(agent) === done) this.queues.delete(agent);
    };
    done.then(forget, forget);
    return done;
  }
}

/** Ids and digests are letters, digits and "-"; anything else gets a name of its own. */
function nameOf(id: string): string {
  return /^[\w-]{1,100}$/.test(id) ? id : `x${digestOf(id)}`;
}

function textAt(file: string): Promise<string | undefined> {
  return unlessMissing(readFile(file, "utf8"));
}

/** Whole or not at all. */
async function replace(file: string, text: string): Promise<void> {
  await mkdir(join(file, ".."), { recursive: true });
  const part = `${file}.${randomBytes(4).toString("hex")}.part`;
  const handle = await open(part, "w");
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(part, file);
}

async function sizeOf(file: string): Promise<number | undefined> {
  const now = new Date();
  const used = utimes(file, now, now); // it is used again
  return (await unlessMissing(used.then(() => stat(file))))?.size;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  return (await unlessMissing(readdir(folder))) ?? [];
}

/** Bytes of a folder's files, and when one of them was written last, in ms since 1970. */
async function usageOf(folder: string): Promise<{ readonly bytes: number; readonly at: number }> {
  let bytes = 0;
  let at = 0;
  for (const place of [folder, join(folder, "texts")]) {
    for (const name of await namesIn(place)) {
      const found = await stat(join(place, name));
      if (!found.isFile()) continue;
      bytes += found.size;
      at = Math.max(at, found.mtimeMs);
    }
  }
  return { bytes, at };
}

function checkpointsIn(text: string): readonly Checkpoint[] {
  return text.split("\n").flatMap((line) => {
    const checkpoint = line === "" ? undefined : boundedJsonIn(line);
    return isCheckpoint(checkpoint) ? [checkpoint] : [];
  });
}

/** 0: there is none. */
async function bytesOf(file: string): Promise<number> {
  return (await unlessMissing(stat(file)))?.size ?? 0;
}
