import assert from "node:assert/strict";
import { createServer, request, type Server } from "node:http";
import { rejection } from "../../support/models/folders";
import { Asked } from "../../support/servers/asked";
import { ended, said, scriptedServer, stream } from "../../support/servers/scriptedServer";

const names = [
  "http_proxy",
  "HTTP_PROXY",
  "https_proxy",
  "HTTPS_PROXY",
  "all_proxy",
  "ALL_PROXY",
  "no_proxy",
  "NO_PROXY",
];

describe("The way to a server", () => {
  const scripted = scriptedServer();
  const asked: string[] = [];
  const before = new Map(names.map((name) => [name, process.env[name]]));
  let proxy: Server;
  let url = "";

  beforeEach(async () => {
    asked.length = 0;
    for (const name of names) delete process.env[name];
    // Whatever host is asked for, the scripted server answers.
    proxy = createServer((incoming, response) => {
      const { method, headers, url: wanted = "" } = incoming;
      asked.push(wanted);
      const { pathname } = new URL(wanted);
      const port = scripted.server.port;
      incoming.pipe(
        request({ host: "127.0.0.1", port, path: pathname, method, headers }, (inner) => {
          response.writeHead(inner.statusCode ?? 0, inner.headers);
          inner.pipe(response);
        }),
      );
    });
    await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
    const address = proxy.address();
    assert.ok(address !== null && typeof address === "object");
    url = `http://127.0.0.1:${address.port}`;
    scripted.server.play(stream(said("x"), ended()));
  });
  afterEach(() => {
    proxy.closeAllConnections();
    proxy.close();
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });

  const answer = async (address: string, set?: string) => {
    const one = new Asked(address, set === undefined ? {} : { access: { proxy: set } });
    await one.answer();
    return one.text;
  };

  it("goes through the proxy of the environment, or through the one that is set", async () => {
    process.env["http_proxy"] = url;
    assert.equal(await answer("http://model.invalid:8000/v1"), "x");
    delete process.env["http_proxy"];
    assert.equal(await answer("http://model.invalid:8000/v1", url), "x");
    const wanted = "http://model.invalid:8000/v1/chat/completions";
    assert.deepEqual(asked, [wanted, wanted]);
  });

  it("goes through none to this machine, nor where the environment excludes the host", async () => {
    process.env["HTTP_PROXY"] = url;
    assert.equal(await answer(scripted.server.url), "x");
    assert.equal(await answer(scripted.server.url, url), "x");
    process.env["NO_PROXY"] = "model.invalid";
    const { facts } = await rejection(
      answer("http://model.invalid/v1"),
      "SERVER_FAILURE",
      /model.invalid is not known/,
    );
    assert.deepEqual([facts["reason"], asked], ["unknownHost", []]);
  });
});
