import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { join, resolve } from "node:path";
import { readBody } from "../../../../src/models/hub/answerBody";
import { hubEndpoint } from "../../../../src/models/hub/hubAccess";
import { HubTransport } from "../../../../src/models/hub/hubTransport";
import { parseRepoName } from "../../../../src/models/hub/repoName";
import type { HubAccess } from "../../../../src/protocol/service";
import { rejection } from "../../../support/models/folders";

const fixture = (name: string) => join(resolve("test", "fixtures", "hub"), name);

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address: AddressInfo | string | null = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  return address.port;
}

async function get(access: HubAccess, url: string): Promise<string> {
  const transport = new HubTransport(hubEndpoint(access, {}), 2000);
  try {
    return (await readBody(await transport.get(url), 1000, { stallMs: 2000, leastBytes: 1 })).toString();
  } finally {
    transport.close();
  }
}

/** Runs `work` with variables of the environment changed; `undefined` removes one. */
async function withEnvironment<T>(changes: Readonly<Record<string, string | undefined>>, work: () => Promise<T>) {
  const before = Object.keys(changes).map((name) => [name, process.env[name]] as const);
  const set = (entries: Iterable<readonly [string, string | undefined]>) => {
    for (const [name, value] of entries) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  set(Object.entries(changes));
  try {
    return await work();
  } finally {
    set(before);
  }
}

describe("The way to the hub", () => {
  const servers: Server[] = [];
  const proxied: string[] = [];
  let plainUrl = "";
  let tlsUrl = "";
  let proxyUrl = "";

  beforeEach(async () => {
    const answer = ({ headers }: IncomingMessage) => `token: ${headers.authorization ?? "none"}`;
    const plain = createServer((incoming, response) => void response.end(answer(incoming)));
    const key = readFileSync(fixture("localhost.key"));
    const tls = createTlsServer({ key, cert: readFileSync(fixture("localhost.crt")) }, (incoming, response) => {
      response.end(answer(incoming));
    });
    const proxy = createServer((incoming, response) => {
      proxied.push(`GET ${incoming.url}`);
      const { method, headers, url = "" } = incoming;
      incoming.pipe(request(url, { method, headers }, (inner) => inner.pipe(response)));
    });
    proxy.on("connect", (incoming, client) => {
      proxied.push(`CONNECT ${incoming.url}`);
      const [host = "", port = ""] = (incoming.url ?? "").split(":");
      const through = connect(Number(port), host, () => {
        client.write("HTTP/1.1 200 OK\r\n\r\n");
        through.pipe(client).pipe(through);
      });
      through.on("error", () => client.destroy());
      client.on("error", () => through.destroy());
    });
    servers.push(plain, tls, proxy);
    plainUrl = `http://127.0.0.1:${await listening(plain)}`;
    tlsUrl = `https://127.0.0.1:${await listening(tls)}`;
    proxyUrl = `http://127.0.0.1:${await listening(proxy)}`;
    proxied.length = 0;
  });

  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  it("ends where the other side takes up another protocol", async () => {
    const other = createServer();
    other.on("connection", (socket) => {
      socket.on("error", () => {});
      const head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
      socket.once("data", () => socket.write(head));
    });
    servers.push(other);
    const { what } = await rejection(get({}, `http://127.0.0.1:${await listening(other)}/x`), "HUB_FAILURE", /./);
    assert.match(what, /ended the connection/);
  });

  it("goes through the proxy of the settings", async () => {
    assert.equal(await get({ proxy: proxyUrl }, `${plainUrl}/x`), "token: none");
    assert.deepEqual(proxied, [`GET ${plainUrl}/x`]);
  });

  it("goes through the proxy of the environment, except for hosts that it excludes", async () => {
    const proxy = { http_proxy: proxyUrl, HTTP_PROXY: undefined, no_proxy: undefined, NO_PROXY: undefined };
    await withEnvironment(proxy, () => get({}, `${plainUrl}/x`));
    assert.deepEqual(proxied, [`GET ${plainUrl}/x`]);
    await withEnvironment({ ...proxy, no_proxy: "127.0.0.1" }, () => get({}, `${plainUrl}/y`));
    assert.equal(proxied.length, 1);
  });

  it("says what to do where the proxy wants a login, for http and https", async () => {
    const proxy = createServer((_, response) => void response.writeHead(407).end());
    proxy.on("connect", (_, client) => client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"));
    servers.push(proxy);
    const access = { proxy: `http://127.0.0.1:${await listening(proxy)}` };
    for (const url of [plainUrl, tlsUrl]) {
      const { advice } = await rejection(get(access, url), "HUB_FAILURE", /proxy on the way to 127.* wants a login/);
      assert.match(advice, /NAME:PASSWORD/);
    }
  });

  it("trusts the authorities of NODE_EXTRA_CA_CERTS, directly and through a proxy, and names what it does not trust", async () => {
    const trusting = { NODE_EXTRA_CA_CERTS: fixture("localhost.crt") };
    assert.equal(await withEnvironment(trusting, () => get({}, tlsUrl)), "token: none");
    assert.equal(await withEnvironment(trusting, () => get({ proxy: proxyUrl }, tlsUrl)), "token: none");
    assert.deepEqual(proxied, [`CONNECT ${new URL(tlsUrl).host}`]);
    const error = await withEnvironment({ NODE_EXTRA_CA_CERTS: undefined }, () =>
      rejection(get({}, tlsUrl), "HUB_FAILURE", /certificate of 127.0.0.1:\d+ is not trusted/),
    );
    assert.match(error.advice, /NODE_EXTRA_CA_CERTS/);
  });

  it("tells the token to the endpoint alone", async () => {
    const access = { endpoint: plainUrl, token: "t" };
    assert.equal(await get(access, `${plainUrl}/x`), "token: Bearer t");
    const trusting = { NODE_EXTRA_CA_CERTS: fixture("localhost.crt") };
    assert.equal(await withEnvironment(trusting, () => get(access, tlsUrl)), "token: none");
  });

  it("keeps the token from a proxy that could read it", async () => {
    const access = { endpoint: plainUrl, token: "t", proxy: proxyUrl };
    assert.equal(await get(access, `${plainUrl}/x`), "token: none");
    const trusting = { NODE_EXTRA_CA_CERTS: fixture("localhost.crt") };
    const secret = () => get({ ...access, endpoint: tlsUrl }, tlsUrl);
    assert.equal(await withEnvironment(trusting, secret), "token: Bearer t");
  });

  it("takes address and token from the environment where they are not set", () => {
    const environment = { HF_ENDPOINT: "https://mirror.example/", HF_TOKEN: "one" };
    assert.deepEqual(hubEndpoint({}, environment), { url: "https://mirror.example", token: "one" });
    const set = { endpoint: "http://here.example", token: "two", proxy: "" };
    assert.deepEqual(hubEndpoint(set, environment), { url: "http://here.example", token: "two" });
    assert.throws(() => hubEndpoint({ endpoint: "ftp://x" }, {}), /not an http or https address/);
    assert.throws(() => hubEndpoint({ token: "a\nb: c" }, {}), /characters that no token has/);
  });
});

describe("The name of a model on the hub", () => {
  it("is ORG/NAME, with a revision or as an address", () => {
    const main = { name: "a/B-4bit", revision: "main" };
    for (const text of [
      "a/B-4bit",
      " a/B-4bit ",
      "https://hub.example/a/B-4bit",
      "https://hub.example/a/B-4bit/tree/main",
    ]) {
      assert.deepEqual(parseRepoName(text), main, text);
    }
    assert.deepEqual(parseRepoName("a/b:refs/pr/1"), { name: "a/b", revision: "refs/pr/1" });
  });

  it("is refused when it is something else", () => {
    for (const text of ["", "a", "a/b/c", "../b", "a/..", "a/b:../c", "a b/c", "a/b?x=1", `a/${"b".repeat(200)}`]) {
      assert.throws(() => parseRepoName(text), /is not the name of a model/, text);
    }
  });
});
