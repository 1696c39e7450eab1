import assert from "node:assert/strict";
import { type CommandSpec, parseArguments } from "../../../src/cli/arguments";
import { handKeyOver, serverOf, serverOptions, withEngine } from "../../../src/cli/server";
import { FakeService } from "../../support/extension/fakeService";

const spec: CommandSpec = {
  usage: "resident try",
  summary: "",
  positionals: [],
  options: { ...serverOptions, model: { value: "DIR", help: "" }, raw: { help: "" }, continue: { help: "" } },
};

describe("the server of a command", () => {
  const keyName = "RESIDENT_SERVER_KEY";
  const before = process.env[keyName];
  afterEach(() => {
    if (before === undefined) delete process.env[keyName];
    else process.env[keyName] = before;
  });

  const ask = (service: FakeService, ...words: readonly string[]) => serverOf(service, parseArguments(spec, words));

  it("is named by address and model; the only model needs no name", async () => {
    const service = new FakeService();
    const server = { address: "http://localhost:8080/v1", model: "tiny" };
    assert.deepEqual(await ask(service, "--server=localhost:8080", "--server-model=tiny"), server);
    assert.deepEqual(await ask(service, "--server=localhost:8080"), server);
    assert.equal(await ask(service), undefined);
  });

  it("beyond this machine needs a yes", async () => {
    const service = new FakeService();
    await assert.rejects(ask(service, "--server=https://api.example"), /leave this machine .*: that needs --yes/);
    assert.deepEqual(service.servers, []);
    assert.equal((await ask(service, "--server=https://api.example", "--yes"))?.address, "https://api.example/v1");
  });

  it("gets its key from the environment, also where the agent has it already", async () => {
    const service = new FakeService();
    process.env[keyName] = " k ";
    await ask(service, "--server=localhost:8080");
    assert.equal(service.servers[0]?.hasKey, true);
    const server = { address: "http://localhost:8080/v1", model: "tiny" };
    const agent = await service.useServer((await service.createAgent({ name: "Ada" })).id, server);
    await handKeyOver(service, agent);
    assert.deepEqual(service.serverKeys, { [server.address]: "k" });
  });

  it("cannot go with what needs a model here, and its own options need it", async () => {
    const service = new FakeService();
    for (const word of ["--model=/m", "--raw", "--continue"]) {
      await assert.rejects(ask(service, "--server=localhost:8080", word), /--server cannot go with --/, word);
    }
    await assert.rejects(ask(service, "--server-model=tiny"), /goes with --server/);
    await assert.rejects(ask(service, "--yes"), /goes with --server/);
  });

  it("moves an agent, and a model's folder moves it back", async () => {
    const service = new FakeService();
    const agent = await service.createAgent({ name: "Ada" });
    const server = { address: "http://localhost:8080/v1", model: "tiny" };
    const moved = await withEngine(service, agent, server, undefined);
    assert.deepEqual(moved.server, server);
    assert.equal(await withEngine(service, moved, server, undefined), moved);
    assert.equal(await withEngine(service, moved, undefined, undefined), moved);
    assert.equal((await withEngine(service, moved, undefined, "/models/starter")).server, undefined);
  });
});
