import * as http from "node:http";
import * as https from "node:https";
import { createSecureContext, type SecureContext } from "node:tls";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { certificateAuthorities } from "./certificates";

/**
 * The connections of one client: directly or through a proxy, kept open between requests, over TLS with all authorities
 * that this machine trusts.
 */
export class Connections {
  private readonly agents = new Map<string, http.Agent>();
  private trusted: SecureContext | undefined;

  /** `proxyFor`: the proxy for an address; "": none. */
  constructor(private readonly proxyFor: (url: string) => string) {}

  /** Begins a request; `end` sends it. */
  request(url: URL, options: https.RequestOptions): http.ClientRequest {
    const agent = this.agentFor(url);
    if (url.protocol !== "https:") return http.request(url, { ...options, agent });
    return https.request(url, { ...options, agent, secureContext: this.trustedAuthorities() });
  }

  /** Ends idle connections. */
  close(): void {
    for (const agent of this.agents.values()) agent.destroy();
    this.agents.clear();
  }

  private agentFor({ href, protocol }: URL): http.Agent {
    const proxy = this.proxyFor(href);
    const key = `${protocol} ${proxy}`;
    const made = this.agents.get(key) ?? makeAgent(protocol, proxy);
    this.agents.set(key, made);
    return made;
  }

  /** One for all connections: to read some 150 certificates takes tens of milliseconds, in which no answer goes on. */
  private trustedAuthorities(): SecureContext {
    this.trusted ??= createSecureContext({ ca: [...certificateAuthorities(process.env)] });
    return this.trusted;
  }
}

function makeAgent(protocol: string, proxy: string): http.Agent {
  const keepAlive = true;
  if (proxy === "") return protocol === "https:" ? new https.Agent({ keepAlive }) : new http.Agent({ keepAlive });
  return protocol === "https:" ? new HttpsProxyAgent(proxy, { keepAlive }) : new HttpProxyAgent(proxy, { keepAlive });
}
