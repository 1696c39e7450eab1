import * as http from "node:http";
import * as https from "node:https";
import type { TcpNetConnectOpts } from "node:net";
import { type ConnectionOptions, createSecureContext, type SecureContext } from "node:tls";
import { HttpProxyAgent } from "http-proxy-agent";
import { HttpsProxyAgent } from "https-proxy-agent";
import { certificateAuthorities } from "./certificates";

/** Node passes these to the socket too. */
type SocketOptions = https.RequestOptions &
  Pick<ConnectionOptions, "secureContext"> &
  Pick<TcpNetConnectOpts, "autoSelectFamily">;

export type AskedRequest = Pick<http.RequestOptions, "method" | "headers">;

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
  request(url: URL, asked: AskedRequest): http.ClientRequest {
    const isTls = url.protocol === "https:";
    const options: SocketOptions = {
      ...asked,
      agent: this.agentFor(url),
      // A name may mean an address of each kind: "localhost" does, and a server often has only one of them.
      autoSelectFamily: true,
      ...(isTls ? { secureContext: this.trustedAuthorities() } : {}),
    };
    return (isTls ? https : http).request(url, options);
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
