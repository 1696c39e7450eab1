import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createTlsServer } from "node:https";
import { createServer, type Server } from "node:net";
import { join, resolve } from "node:path";
import type { ErrorCode } from "../../../src/common/errors";
import { ServerClient } from "../../../src/servers/serverClient";
import type { ServerAccess } from "../../../src/servers/serverTransport";
import { rejection } from "../../support/models/folders";
import { Asked, type AskOptions, callReader, newIds, quickOptions } from "../../support/servers/asked";
import {
  beginStream,
  cut,
  delta,
  ended,
  failing,
  json,
  type Script,
  ScriptedServer,
  said,
  scriptedServer,
  status,
  stream,
  writeEvent,
} from "../../support/servers/scriptedServer";

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server does not listen");
  return address.port;
}

describe("A request to a server that cannot answer", () => {
  const open: Server[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) server.close();
  });

  const failed = (url: string, what: RegExp, access: Partial<ServerAccess> = {}, options = {}) =>
    rejection(new Asked(url, { access, options }).answer(), "SERVER_FAILURE", what);

  it("says that nothing listens there", async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((done) => server.close(done));
    const { facts, advice } = await failed(`http://127.0.0.1:${port}/v1`, /no server listens at 127/);
    assert.equal(facts["reason"], "refused");
    assert.match(advice, /start the server/);
    await failed(`http://localhost:${port}/v1`, /no server listens at localhost/);
  });

  it("says that the name is not known", async () => {
    const { facts } = await failed("http://no-such-host.invalid/v1", /no-such-host.invalid/, { proxy: "" });
    assert.equal(facts["reason"], "unknownHost");
  });

  it("says that the certificate is not trusted, and takes one of its own", async () => {
    const fixture = (name: string) => readFileSync(join(resolve("test", "fixtures", "hub"), name));
    const tls = createTlsServer({ key: fixture("localhost.key"), cert: fixture("localhost.crt") }, (_, response) => {
      stream(said("x"), ended())(response, neverRead);
    });
    open.push(tls);
    const url = `https://127.0.0.1:${await listening(tls)}/v1`;
    const { facts, advice } = await failed(url, /certificate of 127.* is not trusted/);
    assert.equal(facts["reason"], "certificate");
    assert.match(advice, /NODE_EXTRA_CA_CERTS/);
    const before = process.env["NODE_EXTRA_CA_CERTS"];
    process.env["NODE_EXTRA_CA_CERTS"] = join(resolve("test", "fixtures", "hub"), "localhost.crt");
    try {
      const asked = new Asked(url);
      await asked.answer();
      assert.equal(asked.text, "x");
    } finally {
      if (before === undefined) delete process.env["NODE_EXTRA_CA_CERTS"];
      else process.env["NODE_EXTRA_CA_CERTS"] = before;
    }
  });

  it("says that https is spoken to a server that has http, and that what answers is no web server", async () => {
    const plain = await ScriptedServer.start();
    const { facts, advice } = await failed(`https://127.0.0.1:${plain.port}/v1`, /does not speak https/);
    await plain.stop();
    assert.equal(facts["reason"], "notTls");
    assert.match(advice, /http:\/\/127/);
    const other = createServer((socket) => socket.end("SSH-2.0-x\r\n"));
    open.push(other);
    await failed(`http://127.0.0.1:${await listening(other)}/v1`, /does not speak HTTP/);
  });

  it("says that the connection ends at once, after some tries", async () => {
    let connections = 0;
    const rude = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    open.push(rude);
    const { facts } = await failed(`http://127.0.0.1:${await listening(rude)}/v1`, /ended the connection/);
    assert.deepEqual([facts["reason"], connections], ["reset", 4]);
  });

  it("says so where the server takes up another protocol, and does not wait for ever", async () => {
    const other = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
      );
    });
    open.push(other);
    const { facts } = await failed(`http://127.0.0.1:${await listening(other)}/v1`, /ended the connection/);
    assert.equal(facts["reason"], "reset");
  });

  it("is sent again at once where the server closes a kept connection", async () => {
    const used = new Set<unknown>();
    const scripted = await ScriptedServer.start();
    const client = new ServerClient({ url: scripted.url }, quickOptions);
    try {
      scripted.play((response, request) => {
        const { socket } = response;
        if (used.has(socket)) return cut(response);
        used.add(socket);
        return stream(said("x"), ended())(response, request);
      });
      const events: string[] = [];
      const ask = () =>
        client.chat({ model: "tiny", messages: [], newId: newIds(), readCall: callReader([]) }, undefined, ({ type }) =>
          events.push(type),
        );
      await ask();
      await ask();
      assert.deepEqual([events, used.size, scripted.requests.length], [["text", "text"], 2, 3]);
    } finally {
      client.close();
      await scripted.stop();
    }
  });

  it("says that the server is silent", async () => {
    const silent = createServer((socket) => void socket.on("error", () => {}));
    open.push(silent);
    const url = `http://127.0.0.1:${await listening(silent)}/v1`;
    const { facts, advice } = await failed(url, /has sent nothing for 60 ms/, {}, { silentMs: 60 });
    assert.equal(facts["reason"], "silent");
    assert.match(advice, /silentMinutes/);
  });
});

const neverRead = { method: "", path: "", headers: {}, body: "", json: {}, cut: Promise.resolve(true) };

describe("A server that refuses", () => {
  const scripted = scriptedServer();

  const failed = (script: Script, code: ErrorCode, what: RegExp, ask: AskOptions = {}) => {
    scripted.server.play(script);
    return rejection(new Asked(scripted.server.url, ask).answer(), code, what);
  };

  it("a key says that it wants one", async () => {
    for (const code of [401, 403]) {
      const { advice } = await failed(
        failing(code, "Incorrect API key"),
        "SERVER_DENIED",
        /wants a key.*Incorrect API key/,
      );
      assert.match(advice, /RESIDENT_SERVER_KEY/);
    }
    assert.equal(scripted.server.requests.length, 2, "no retry");
  });

  it("a key does not bring it into the message", async () => {
    const words = "Incorrect API key: very-secret";
    for (const script of [failing(401, words), failing(500, words), stream({ error: { message: words } })]) {
      scripted.server.play(script);
      const asked = new Asked(scripted.server.url, { access: { key: "very-secret" } });
      const error: unknown = await asked.answer().catch((reason: unknown) => reason);
      assert.match(String(error), /Incorrect API key: …/);
      assert.ok(!JSON.stringify(error).includes("secret"));
    }
  });

  it("a model names it", async () => {
    for (const body of [
      '{"error":{"message":"model \'tiny\' not found"}}',
      '{"object":"error","message":"The model `tiny` does not exist."}',
      '{"error":{"code":"model_not_found","message":"x"}}',
    ]) {
      const { facts } = await failed(status(404, body), "SERVER_REFUSED", /has no model tiny/);
      assert.equal(facts["model"], "tiny");
    }
  });

  it("a path says that there is no chat endpoint", async () => {
    for (const body of ["", "Not Found", '{"detail":"Not Found"}', "<html>404</html>"]) {
      const { advice } = await failed(
        status(404, body),
        "SERVER_REFUSED",
        /no chat endpoint at http.*\/v1\/chat\/completions/,
      );
      assert.match(advice, /ends in \/v1/);
    }
  });

  it("anything else is told with the server's words, cut and cleaned", async () => {
    const { what } = await failed(failing(400, `bad\u001b[31m\nthing ${"x".repeat(500)}`), "SERVER_REFUSED", /refuses/);
    assert.match(what, /bad \[31m thing x+…$/);
    assert.ok(what.length < 360);
    const auto = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set';
    assert.match((await failed(failing(400, auto), "SERVER_REFUSED", /auto/)).advice, /--enable-auto-tool-choice/);
    await failed(failing(429, "out of money", { code: "insufficient_quota" }), "SERVER_REFUSED", /out of money/);
    await failed(status(413, ""), "SERVER_REFUSED", /too large/);
    await failed(status(407, ""), "SERVER_FAILURE", /proxy .* wants a login/);
  });

  it("for the moment is asked again after the time that it says", async () => {
    scripted.server.play(
      failing(429, "slow down", {}, { "retry-after": "0.01" }),
      status(503, '{"error":{"message":"Loading model"}}', { "retry-after": new Date(0).toUTCString() }),
      stream(said("x"), ended()),
    );
    const asked = new Asked(scripted.server.url);
    await asked.answer();
    assert.equal(asked.text, "x");
    assert.deepEqual(
      asked.waits.map((wait) => wait.replace(/127\S+/, "HOST")),
      ["HOST takes no more requests for now: slow down (10 ms)", "HOST is not ready: Loading model (0 ms)"],
    );
  });

  it("for the moment is asked a few times only", async () => {
    await failed(failing(429, "slow down"), "SERVER_FAILURE", /no more requests for now: slow down/);
    assert.equal(scripted.server.requests.length, 4);
  });

  it("for longer is not waited for, and the time is said", async () => {
    const { facts, advice } = await failed(
      failing(429, "x", {}, { "retry-after": "3600" }),
      "SERVER_FAILURE",
      /no more requests/,
    );
    assert.deepEqual([facts["retryAfterMs"], facts["status"]], [3_600_000, 429]);
    assert.match(advice, /in 60 min/);
    const at = new Date(Date.now() + 7_200_000).toUTCString();
    const dated = await failed(failing(429, "x", {}, { "retry-after": at }), "SERVER_FAILURE", /no more requests/);
    assert.ok(Number(dated.facts["retryAfterMs"]) > 7_100_000);
    assert.equal(scripted.server.requests.length, 2);
  });

  it("for the moment can be left while it is waited for", async () => {
    scripted.server.play(failing(429, "x", {}, { "retry-after": "2" }));
    const stop = new AbortController();
    const startedMs = performance.now();
    const asked = new Asked(scripted.server.url, { signal: stop.signal, onEvent: () => stop.abort() });
    await rejection(asked.answer(), "ABORTED", /cancelled/);
    assert.ok(performance.now() - startedMs < 1500);
  });

  it("by a failure of its own is not asked again", async () => {
    await failed(failing(500, "CUDA out of memory"), "SERVER_FAILURE", /failed \(500\): CUDA out of memory/);
    assert.equal(scripted.server.requests.length, 1);
  });

  it("with a web page or something else is no such server", async () => {
    const page: Script = (response) =>
      void response.writeHead(200, { "content-type": "text/html" }).end("<html>login</html>");
    assert.equal((await failed(page, "SERVER_FAILURE", /a web page instead of data/)).facts["reason"], "notAStream");
    const text: Script = (response) => void response.writeHead(200, { "content-type": "text/plain" }).end("hello");
    await failed(status(200, ""), "SERVER_FAILURE", /answers with something/);
    await failed(text, "SERVER_FAILURE", /answers with text\/plain/);
    const zipped: Script = (response) =>
      void response.writeHead(200, { "content-type": "text/event-stream", "content-encoding": "gzip" }).end("x");
    await failed(zipped, "SERVER_FAILURE", /encoding that was not asked for/);
    const pageAsJson: Script = (response) =>
      void response.writeHead(200, { "content-type": "application/json" }).end("<html>");
    await failed(pageAsJson, "SERVER_FAILURE", /a web page instead of data/);
    await failed(json({}), "SERVER_FAILURE", /in the middle of the answer/);
  });

  it("to stay is followed within itself, and nowhere else", async () => {
    const elsewhere = await ScriptedServer.start();
    const to = (code: number, location: string) => status(code, "", { location });
    const access = { key: "secret" };
    try {
      elsewhere.play(stream(said("stolen"), ended()));
      for (const code of [301, 302, 303, 307, 308]) {
        const script = to(code, `${elsewhere.url}/chat/completions`);
        const { facts } = await failed(script, "SERVER_FAILURE", /redirects to http.*nothing was sent/, { access });
        assert.equal(facts["reason"], "redirect");
      }
      assert.equal(elsewhere.requests.length, 0);
      scripted.server.play(to(308, "/v1/chat/completions/"), stream(said("x"), ended()));
      const asked = new Asked(scripted.server.url, { access });
      await asked.answer();
      const last = scripted.server.requests.at(-1);
      assert.deepEqual(
        [asked.text, last?.path, last?.headers.authorization],
        ["x", "/v1/chat/completions/", "Bearer secret"],
      );
      assert.equal(last?.body, scripted.server.requests.at(-2)?.body);
      await failed(to(308, "/v1/chat/completions"), "SERVER_FAILURE", /in circles/);
      await failed(to(302, "/v1/chat/completions/"), "SERVER_FAILURE", /nothing was sent/);
    } finally {
      await elsewhere.stop();
    }
  });
});

describe("A stream that goes wrong", () => {
  const scripted = scriptedServer();

  it("in the middle keeps what came, and is not asked for again", async () => {
    scripted.server.play((response) => {
      beginStream(response);
      writeEvent(response, delta({ reasoning_content: "hm" }));
      writeEvent(response, said("Hel"));
      response.write('data: {"choices":[{"delta":{"con');
      setTimeout(() => cut(response), 20);
    });
    const asked = new Asked(scripted.server.url);
    const { facts, advice } = await rejection(asked.answer(), "SERVER_FAILURE", /in the middle of the answer/);
    assert.deepEqual([asked.thought, asked.text, facts["reason"]], ["hm", "Hel", "broken"]);
    assert.match(advice, /continue the answer/);
    assert.equal(scripted.server.requests.length, 1);
  });

  it("in the middle gives what was held back for a mark", async () => {
    scripted.server.play((response) => {
      beginStream(response);
      writeEvent(response, said("<thi"));
      setTimeout(() => cut(response), 20);
    });
    const asked = new Asked(scripted.server.url, { options: { attempts: 1 } });
    await rejection(asked.answer(), "SERVER_FAILURE", /in the middle/);
    assert.equal(asked.text, "<thi");
  });

  it("before anything came is asked for again", async () => {
    scripted.server.play(
      (response) => {
        beginStream(response);
        setTimeout(() => cut(response), 10);
      },
      (response) => cut(response),
      stream(said("x"), ended()),
    );
    const asked = new Asked(scripted.server.url);
    await asked.answer();
    assert.deepEqual([asked.text, asked.waits.length], ["x", 2]);
  });

  it("by ending without a reason is not whole", async () => {
    scripted.server.play((response) => {
      beginStream(response);
      writeEvent(response, said("Hel"));
      response.end();
    });
    const asked = new Asked(scripted.server.url);
    await rejection(asked.answer(), "SERVER_FAILURE", /in the middle/);
    assert.equal(asked.text, "Hel");
  });

  it("by silence keeps what came; signs of life without text are no silence", async () => {
    scripted.server.play((response) => {
      beginStream(response);
      writeEvent(response, said("Hel"));
    });
    const silent = new Asked(scripted.server.url, { options: { silentMs: 50 } });
    const { facts } = await rejection(silent.answer(), "SERVER_FAILURE", /sent nothing for 50 ms/);
    assert.deepEqual([silent.text, facts["reason"]], ["Hel", "silent"]);
    scripted.server.play((response) => {
      beginStream(response);
      let left = 60;
      const timer = setInterval(() => {
        left -= 1;
        response.write(": still reading\n\n");
        if (left > 0) return;
        clearInterval(timer);
        writeEvent(response, said("x"));
        writeEvent(response, "[DONE]");
        response.end();
      }, 10);
    });
    const alive = new Asked(scripted.server.url, { options: { silentMs: 400 } });
    await alive.answer();
    assert.equal(alive.text, "x");
  });

  it("with an error inside keeps what came, in every form of it", async () => {
    const error = { error: { message: "CUDA out of memory", code: 500 } };
    const lines = [
      `data: ${JSON.stringify(error)}`,
      JSON.stringify(error),
      `error: ${JSON.stringify(error)}`,
      `event: error\ndata: ${JSON.stringify(error)}`,
    ];
    for (const line of lines) {
      scripted.server.play((response) => {
        beginStream(response);
        writeEvent(response, said("Hel"));
        response.end(`${line}\n\n`);
      });
      const asked = new Asked(scripted.server.url);
      await rejection(asked.answer(), "SERVER_FAILURE", /ended the answer with an error: CUDA out of memory/);
      assert.equal(asked.text, "Hel", line);
    }
  });

  it("with JSON that cannot be read keeps what came", async () => {
    scripted.server.play(stream(said("Hel"), '{"choices":[}', said("lo"), ended()));
    const asked = new Asked(scripted.server.url);
    const { facts } = await rejection(asked.answer(), "SERVER_FAILURE", /cannot be read/);
    assert.deepEqual([asked.text, facts["reason"]], ["Hel", "badData"]);
  });

  it("by the server's own filter or failure says so", async () => {
    for (const reason of ["content_filter", "abort", "error"]) {
      scripted.server.play(stream(said("Hel"), ended(reason)));
      const asked = new Asked(scripted.server.url);
      await rejection(asked.answer(), "SERVER_FAILURE", /ended the answer \(/);
      assert.equal(asked.text, "Hel");
    }
  });

  it("behind the answer's end is whole", async () => {
    scripted.server.play((response) => {
      beginStream(response);
      writeEvent(response, said("x"));
      writeEvent(response, ended());
      setTimeout(() => cut(response), 10);
    });
    const asked = new Asked(scripted.server.url);
    assert.equal((await asked.answer()).finishReason, "stop");
  });
});

describe("A person who stops a server's answer", () => {
  const scripted = scriptedServer();

  it("ends the connection at once, and keeps what came", async () => {
    scripted.server.play((response) => {
      beginStream(response);
      writeEvent(response, said("Hel"));
    });
    const stop = new AbortController();
    const asked = new Asked(scripted.server.url, { signal: stop.signal, onEvent: () => stop.abort() });
    const startedMs = performance.now();
    await rejection(asked.answer(), "ABORTED", /cancelled/);
    assert.equal(await scripted.server.requests[0]?.cut, true);
    assert.ok(performance.now() - startedMs < 500);
    assert.equal(asked.text, "Hel");
  });

  it("ends it also while the server still reads the prompt", async () => {
    const stop = new AbortController();
    scripted.server.play(() => stop.abort());
    await rejection(new Asked(scripted.server.url, { signal: stop.signal }).answer(), "ABORTED", /cancelled/);
    assert.equal(await scripted.server.requests[0]?.cut, true);
  });

  it("sends nothing where it was stopped before", async () => {
    const asked = new Asked(scripted.server.url, { signal: AbortSignal.abort() });
    await rejection(asked.answer(), "ABORTED", /cancelled/);
    assert.equal(scripted.server.requests.length, 0);
  });
});
