import assert from "node:assert/strict";
import { commands } from "../../src/extension/contributions";
import type { AgentServer, AgentSummary } from "../../src/protocol/service";
import { ended, ScriptedServer, said, status, stream } from "../support/servers/scriptedServer";
import { ask, newAgent, run, runRefused } from "./support";

describe("a server in place of a model here", () => {
  let server: ScriptedServer;

  before(async () => {
    server = await ScriptedServer.start();
  });
  after(() => server.stop());

  it("is connected with its key, tried, and answers an agent, which goes back to its folder", async () => {
    server.play(stream(said("OK"), ended()));
    const request = { address: `127.0.0.1:${server.port}`, key: "secret", model: "tiny" };
    const chosen = await run<AgentServer>(commands.connectServer, request);
    assert.deepEqual(chosen, { address: server.url, model: "tiny" });
    const agent = await newAgent("Remote");
    const move = { agent: agent.id, server: chosen.address, serverModel: chosen.model, background: true };
    const moved = await run<AgentSummary>(commands.useOtherModel, move);
    assert.deepEqual([moved.id, moved.server], [agent.id, chosen]);
    server.play(stream(said("from afar"), ended()));
    const { text, figures } = await ask(agent.id, "Hello");
    assert.deepEqual([text, figures.by], ["from afar", "server"]);
    assert.equal(server.requests.at(-1)?.headers.authorization, "Bearer secret");
    const back = { agent: agent.id, model: agent.modelDirectory, background: true };
    assert.equal((await run<AgentSummary>(commands.useOtherModel, back)).server, undefined);
    await run(commands.forgetServer, { address: chosen.address });
    const { code } = await runRefused(commands.useOtherModel, move);
    assert.equal(code, "SERVER_UNKNOWN");
  });

  it("says what is wrong where it cannot be used", async () => {
    const address = `http://127.0.0.1:${server.port}`;
    server.models = status(401, "");
    assert.equal((await runRefused(commands.connectServer, { address, model: "tiny" })).code, "SERVER_DENIED");
    assert.equal(
      (await runRefused(commands.connectServer, { address: "ftp://x", model: "tiny" })).code,
      "INVALID_REQUEST",
    );
  });
});
