import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { ServerDesk } from "../../../src/service/serverDesk";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { newIds } from "../../support/servers/asked";
import {
  delta,
  ended,
  failing,
  json,
  ScriptedServer,
  said,
  scriptedServer,
  status,
  stream,
} from "../../support/servers/scriptedServer";

describe("the servers of a home", () => {
  const folder = temporaryFolder();
  const scripted = scriptedServer();
  const file = () => path.join(folder.path, "home", "servers.json");
  const newDesk = () => new ServerDesk({ file: file(), silentMs: 2_000, proxy: () => undefined, newId: newIds() });
  const away = "http://192.0.2.1:9";

  it("are kept with their models, and without their keys", async () => {
    scripted.server.models = json({ data: [{ id: "b", max_model_len: 4096 }, { id: "a" }] });
    const server = await newDesk().connect({ address: `127.0.0.1:${scripted.server.port}`, key: "secret" });
    const models = [{ name: "b", contextTokens: 4096 }, { name: "a" }];
    const host = `127.0.0.1:${scripted.server.port}`;
    assert.deepEqual(server, { address: scripted.server.url, host, models, isRemote: false, hasKey: true });
    assert.deepEqual(await newDesk().list(), [{ ...server, hasKey: false }]);
    const text = await readFile(file(), "utf8");
    assert.ok(!text.includes("secret"));
    assert.equal((await stat(file())).mode & 0o777, 0o600);
  });

  it("beyond this machine are asked nothing before a person has agreed", async () => {
    const { facts } = await rejection(
      newDesk().connect({ address: away }),
      "SERVER_UNKNOWN",
      /leave this machine for 192.0.2.1:9, and can be read/,
    );
    assert.deepEqual([facts["needsConsent"], facts["isPlain"], facts["address"]], [true, true, `${away}/v1`]);
    const tls = await rejection(newDesk().connect({ address: "192.0.2.1" }), "SERVER_UNKNOWN", /leave this machine/);
    assert.equal(tls.facts["isPlain"], false);
    assert.deepEqual(await newDesk().list(), []);
  });

  it("do not count as agreed to where somebody wrote the file", async () => {
    await newDesk().connect({ address: scripted.server.url });
    await writeFile(file(), JSON.stringify({ servers: [{ address: `${away}/v1`, models: [{ name: "x" }] }] }));
    const desk = newDesk();
    const question = { messages: [], tools: [], toolMode: "auto", sampling: {} } as const;
    const server = { address: `${away}/v1`, model: "x" };
    await rejection(
      desk.answer({ server, ...question }, AbortSignal.timeout(1000), () => {}),
      "SERVER_UNKNOWN",
      /leave this machine/,
    );
    await rejection(desk.describe(server), "SERVER_UNKNOWN", /leave this machine/);
    assert.deepEqual(await desk.list(), [], "what is listed was agreed to");
  });

  it("keep nothing of themselves where they are forgotten while they answer", async () => {
    const desk = newDesk();
    await desk.connect({ address: scripted.server.url });
    const server = { address: scripted.server.url, model: "tiny" };
    const question = { server, messages: [], tools: [], toolMode: "auto", sampling: {} } as const;
    scripted.server.play(stream(delta({ reasoning: "hm" }), said("x"), ended()));
    let forgotten: Promise<void> | undefined;
    await desk.answer(question, AbortSignal.timeout(5000), () => {
      forgotten ??= desk.forget(scripted.server.url);
    });
    await forgotten;
    assert.deepEqual(JSON.parse(await readFile(file(), "utf8")), { servers: [] });
    desk.close();
  });

  it("send nothing to where a server begins to redirect, though that address was agreed to as well", async () => {
    const desk = newDesk();
    const elsewhere = await ScriptedServer.start();
    try {
      await desk.connect({ address: scripted.server.url });
      await desk.connect({ address: elsewhere.url });
      const server = { address: scripted.server.url, model: "tiny" };
      scripted.server.play(stream(said("OK"), ended()));
      await desk.try(server);
      const location = `${elsewhere.url}/chat/completions`;
      scripted.server.play(status(307, "", { location }));
      await rejection(desk.try(server), "SERVER_FAILURE", /nothing was sent/);
      scripted.server.models = status(302, "", { location: `${elsewhere.url}/models` });
      await rejection(desk.connect({ address: scripted.server.url }), "SERVER_FAILURE", /nothing was sent/);
      assert.deepEqual(
        elsewhere.requests.map(({ path }) => path),
        ["/v1/models"],
      );
    } finally {
      desk.close();
      await elsewhere.stop();
    }
  });

  it("are left as they were where connecting fails", async () => {
    scripted.server.models = failing(401, "no key");
    await rejection(newDesk().connect({ address: scripted.server.url }), "SERVER_DENIED", /wants a key/);
    await rejection(
      newDesk().connect({ address: scripted.server.url, key: "a\nb" }),
      "INVALID_REQUEST",
      /characters that no key has/,
    );
    assert.deepEqual(await newDesk().list(), []);
  });

  it("get their own key, and no other's", async () => {
    const desk = newDesk();
    await desk.connect({ address: scripted.server.url });
    desk.setKeys({ [scripted.server.url]: "mine", "https://other.example/v1": "theirs" });
    scripted.server.play(stream(said("OK"), ended()));
    const server = { address: scripted.server.url, model: "tiny" };
    const trial = await desk.try(server);
    assert.equal(trial.text, "OK");
    assert.equal(scripted.server.requests.at(-1)?.headers.authorization, "Bearer mine");
    desk.setKeys({});
    await desk.try(server);
    assert.equal(scripted.server.requests.at(-1)?.headers.authorization, undefined);
    desk.close();
  });

  it("are forgotten, with their keys", async () => {
    const desk = newDesk();
    await desk.connect({ address: scripted.server.url, key: "k" });
    await desk.forget(scripted.server.url);
    assert.deepEqual(await desk.list(), []);
    await rejection(desk.try({ address: scripted.server.url, model: "tiny" }), "SERVER_UNKNOWN", /is not connected/);
    assert.equal((await desk.connect({ address: scripted.server.url })).hasKey, false);
  });

  it("survive a damaged file, and entries that this program never wrote", async () => {
    await newDesk().connect({ address: scripted.server.url });
    const [whole] = JSON.parse(await readFile(file(), "utf8")).servers;
    const odd = [
      null,
      7,
      {},
      { address: "x" },
      { address: "http://u:p@host/v1" },
      { address: "https://a.example/v1", mayLeave: true, models: [7, { name: 7 }] },
    ];
    await writeFile(file(), JSON.stringify({ servers: [whole, ...odd] }));
    const listed = await newDesk().list();
    assert.deepEqual(
      listed.map(({ address, models }) => [address, models.length]),
      [
        [scripted.server.url, 1],
        ["https://a.example/v1", 0],
      ],
    );
    for (const text of ["{", "[]", '{"servers":7}', "[".repeat(100_000)]) {
      await writeFile(file(), text);
      assert.deepEqual(await newDesk().list(), []);
    }
    await newDesk().connect({ address: scripted.server.url });
    assert.equal((await newDesk().list()).length, 1);
  });

  it("are said not to be kept where the disk refuses", async () => {
    // A file in the place of the folder refuses everybody, root too.
    await writeFile(path.join(folder.path, "home"), "");
    await rejection(
      newDesk().connect({ address: scripted.server.url }),
      "IO_FAILURE",
      /list of servers cannot be written/,
    );
  });
});
