import * as vscode from "vscode";
import type { HubAccess, ResidentService } from "../../protocol/service";
import { settings } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";
import { readSetting } from "../engine/settingsReader";

const tokenKey = "resident.hub.token";

/** How this person reaches the hub: their mirror, VS Code's proxy, and their token, which is kept by the system. */
export class HubWay {
  constructor(
    private readonly service: ServiceHandle,
    private readonly secrets: vscode.SecretStorage,
  ) {}

  /** The core, told how to reach the hub: settings and token may have changed since the last call. */
  async door(): Promise<ResidentService> {
    const door = await this.service.get();
    await door.setHubAccess(await this.access());
    return door;
  }

  /** Empty: forgets it. */
  async setToken(token: string): Promise<void> {
    if (token === "") await this.secrets.delete(tokenKey);
    else await this.secrets.store(tokenKey, token);
  }

  async hasToken(): Promise<boolean> {
    return (await this.secrets.get(tokenKey)) !== undefined;
  }

  private async access(): Promise<HubAccess> {
    const token = await this.secrets.get(tokenKey);
    return {
      ...textOf("endpoint", readSetting(settings.hubEndpoint)),
      ...(token === undefined ? {} : { token }),
      ...proxyAccess(),
    };
  }
}

/** The proxy of VS Code's settings, as the core's access has it. */
export function proxyAccess(): HubAccess {
  return textOf("proxy", proxySetting());
}

function proxySetting(): unknown {
  const http = vscode.workspace.getConfiguration("http");
  return http.get("proxySupport") === "off" ? "" : http.get("proxy");
}

function textOf(name: "endpoint" | "proxy", value: unknown): HubAccess {
  return typeof value === "string" && value.trim() !== "" ? { [name]: value.trim() } : {};
}
