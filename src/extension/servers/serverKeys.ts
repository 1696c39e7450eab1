import type * as vscode from "vscode";
import { isObject } from "../../common/json";
import type { ResidentService } from "../../protocol/service";

const secretName = "resident.servers.keys";

/** The keys of servers by address. The system keeps them; a core gets them when it starts, and again when one changes. */
export class ServerKeys {
  constructor(private readonly secrets: vscode.SecretStorage) {}

  async handOver(door: ResidentService): Promise<void> {
    await door.setServerKeys(await this.all());
  }

  async set(door: ResidentService, address: string, key: string | undefined): Promise<void> {
    const { [address]: _, ...others } = await this.all();
    const keys = key === undefined ? others : { ...others, [address]: key };
    if (Object.keys(keys).length === 0) await this.secrets.delete(secretName);
    else await this.secrets.store(secretName, JSON.stringify(keys));
    await door.setServerKeys(keys);
  }

  private async all(): Promise<Readonly<Record<string, string>>> {
    const text = await this.secrets.get(secretName);
    if (text === undefined) return {};
    const keys: unknown = JSON.parse(text);
    const entries = isObject(keys) ? Object.entries(keys) : [];
    return Object.fromEntries(entries.flatMap(([address, key]) => (typeof key === "string" ? [[address, key]] : [])));
  }
}
