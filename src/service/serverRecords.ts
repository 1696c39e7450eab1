import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { boundedJsonIn } from "../common/boundedJson";
import { ResidentError, toErrorInfo } from "../common/errors";
import { listOf, objectOf } from "../common/json";
import { isBeyondLoopback, parseServerAddress } from "../common/serverAddress";
import { type ThoughtField, thoughtFields } from "../common/serverAnswer";
import type { ServerModel } from "../protocol/service";

/** What is kept of a connected server. Its key is not. */
export interface ServerRecord {
  readonly address: string;
  readonly models: readonly ServerModel[];
  /** The person agreed that conversations leave this machine for it. */
  readonly mayLeave: boolean;
  /** How it names thoughts, once it was seen. */
  readonly thoughtField?: ThoughtField;
}

/**
 * The connected servers of a home: one JSON file. It is read anew each time, because other windows write it too; the last
 * writer wins.
 */
export class ServerRecords {
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly file: string) {}

  /** By address. An entry that this program never wrote is left out. */
  async all(): Promise<readonly ServerRecord[]> {
    const text = await readFile(this.file, "utf8").catch(() => "{}");
    const records = listOf(objectOf(boundedJsonIn(text))["servers"]).flatMap(recordOf);
    return records.sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  async find(address: string): Promise<ServerRecord | undefined> {
    return (await this.all()).find((record) => record.address === address);
  }

  put(record: ServerRecord): Promise<void> {
    return this.change((all) => [...all.filter(({ address }) => address !== record.address), record]);
  }

  /** Changes a part of what is kept; nothing where the server was forgotten meanwhile. */
  update(address: string, part: Partial<Pick<ServerRecord, "models" | "thoughtField">>): Promise<void> {
    return this.change((all) => all.map((record) => (record.address === address ? { ...record, ...part } : record)));
  }

  remove(address: string): Promise<void> {
    return this.change((all) => all.filter((record) => record.address !== address));
  }

  private change(work: (all: readonly ServerRecord[]) => readonly ServerRecord[]): Promise<void> {
    const change = this.last.then(async () => this.write(work(await this.all())));
    this.last = change.catch(() => {});
    return change;
  }

  /** For the owner alone: it tells where conversations may go. */
  private async write(servers: readonly ServerRecord[]): Promise<void> {
    const part = `${this.file}.${randomBytes(4).toString("hex")}.part`;
    try {
      await mkdir(path.dirname(this.file), { recursive: true });
      await writeFile(part, `${JSON.stringify({ servers }, undefined, 2)}\n`, { mode: 0o600, flush: true });
      await rename(part, this.file);
    } catch (error) {
      await rm(part, { force: true }).catch(() => {});
      const { what } = toErrorInfo(error);
      throw new ResidentError(
        "IO_FAILURE",
        `the list of servers cannot be written: ${what}`,
        "check the folder's disk",
        {
          path: this.file,
        },
      );
    }
  }
}

function recordOf(value: unknown): readonly ServerRecord[] {
  const { address, models, mayLeave, thoughtField } = objectOf(value);
  if (typeof address !== "string" || !isOurAddress(address)) return [];
  const field = thoughtFields.find((known) => known === thoughtField);
  return [
    {
      address,
      models: listOf(models).flatMap(modelOf),
      mayLeave: mayLeave === true || !isBeyondLoopback(address),
      ...(field === undefined ? {} : { thoughtField: field }),
    },
  ];
}

function modelOf(value: unknown): readonly ServerModel[] {
  const { name, contextTokens } = objectOf(value);
  if (typeof name !== "string") return [];
  const isCount = typeof contextTokens === "number" && Number.isSafeInteger(contextTokens) && contextTokens > 0;
  return [{ name, ...(isCount ? { contextTokens } : {}) }];
}

function isOurAddress(address: string): boolean {
  try {
    return parseServerAddress(address).url === address;
  } catch {
    return false;
  }
}
