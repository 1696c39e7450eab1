import assert from "node:assert/strict";
import path from "node:path";
import { silentLog } from "../../src/common/log";
import type { AgentId, ResidentService, Running, SendRequest } from "../../src/protocol/service";
import { createLocalService } from "../../src/service/localService";
import { nativeRuntime } from "../../src/service/nativeRuntime";
import { rejection, temporaryFolder } from "../support/models/folders";
import { starterModel } from "../support/models/starterModel";
import { nativeStage } from "../support/native/coreThread";
import { ServerProcess } from "../support/servers/serverProcess";

const contextTokens = 512;
const system = "You are a helpful assistant.";
const france = "What is the capital of France?";

/** llama.cpp, over the starter model's own GGUF file, answers an agent as a server that somebody else wrote. */
describe("llama-cpp-python's server", function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  let server: ServerProcess;
  let door: ResidentService;
  let id: AgentId;

  // The first start compiles llama.cpp where there is no wheel of it.
  before(async function () {
    this.timeout(1_800_000);
    const settings = ["--host=127.0.0.1", `--n_ctx=${contextTokens}`, "--n_threads=2", "--verbose=False"];
    server = await ServerProcess.start((port) => [
      "test/reference/peers/llamaServer.mjs",
      ...settings,
      "--model_alias=smol",
      `--port=${port}`,
    ]);
  });
  after(() => server?.stop());

  beforeEach(async () => {
    const limits = { poolBytes: 64 * 2 ** 20, blockTokens: 64, storeQuotaBytes: 2 ** 30 };
    const options = { home: path.join(folder.path, "home"), starterModel, nativeStage, modelFolders: [], ...limits };
    door = createLocalService(options, nativeRuntime(nativeStage), silentLog);
    const { address, models, isRemote } = await door.connectServer({ address: server.url });
    assert.deepEqual([models, isRemote], [[{ name: "smol" }], false]);
    id = (await door.createAgent({ name: "Ada", system, server: { address, model: "smol" } })).id;
  });
  afterEach(() => door?.dispose());

  const send = (text: string, maxTokens = 40, more: Partial<SendRequest> = {}): Promise<Running> =>
    door.send(id, { text, sampling: { temperature: 0, maxTokens }, ...more });

  it("streams a greedy answer, and counts no tokens", async () => {
    const running = await send(france);
    const pieces: string[] = [];
    running.onEvent((event) => {
      if (event.type === "text") pieces.push(event.text);
    });
    const { text, finishReason, figures, tokenIds } = await running.done;
    assert.match(text, /^The capital of France is Paris/);
    assert.equal(pieces.join(""), text);
    assert.ok(pieces.length > 3, `in ${pieces.length} pieces`);
    assert.deepEqual([finishReason, tokenIds], ["stop", []]);
    const { by, untold, promptTokens, generatedTokens, ttftMs, waitMs = 0 } = figures;
    assert.deepEqual([by, untold], ["server", ["prompt", "reused", "generated"]]);
    assert.deepEqual([promptTokens, generatedTokens], [0, 0]);
    assert.ok(ttftMs > 0 && waitMs >= ttftMs, `${ttftMs} of ${waitMs} ms`);
    const [turn] = (await door.getAgent(id)).turns;
    assert.deepEqual([turn?.answer, turn?.figures], [text, figures]);
  });

  it("says that an answer was cut, and knows the conversation", async () => {
    const cut = await (await send(france, 3)).done;
    assert.equal(cut.finishReason, "length");
    const whole = await (await door.regenerate(id, undefined, { temperature: 0 })).done;
    assert.ok(whole.text.startsWith(cut.text) && whole.finishReason === "stop", whole.text);
    assert.match((await (await send("And of Italy?")).done).text, /Italy is Rome/);
  });

  it("ends its work where the answer is stopped, and answers on", async () => {
    const running = await send("Write a long story about the sea.", 400);
    running.onEvent((event) => {
      if (event.type === "text") running.abort();
    });
    const { finishReason, text } = await running.done;
    assert.equal(finishReason, "aborted");
    assert.ok(text !== "" && text.length < 200, text);
    // The server takes one request at a time.
    assert.match((await (await send(france)).done).text, /Paris/);
    assert.match(server.output, /Disconnected from client/);
  });

  it("says by how much a conversation is too long for it", async () => {
    await (await send(france)).done;
    const long = (await send("tree ".repeat(contextTokens + 100))).done;
    const { facts } = await rejection(long, "CONTEXT_FULL", /does not fit the context of 512 tokens that 127/);
    assert.ok(Number(facts["needed"]) > contextTokens + 100, JSON.stringify(facts));
    assert.equal(facts["context"], contextTokens);
    const { turns } = await door.getAgent(id);
    assert.deepEqual([turns.length, turns[0]?.user], [1, france], "the message is taken back");
  });

  it("holds its answer to a JSON schema", async () => {
    const jsonSchema = {
      type: "object",
      properties: { city: { enum: ["Paris", "Rome"] }, isLarge: { type: "boolean" } },
      required: ["city", "isLarge"],
      additionalProperties: false,
    };
    const { text } = await (await send(france, 60, { jsonSchema })).done;
    const { city, isLarge, ...more } = JSON.parse(text);
    assert.ok(["Paris", "Rome"].includes(city) && typeof isLarge === "boolean", text);
    assert.deepEqual(more, {});
  });
});
