import assert from "node:assert/strict";
import path from "node:path";
import type { JsonSchema, ToolSpec } from "../../../src/common/tools";
import type { AgentServer } from "../../../src/protocol/service";
import { ServerDesk } from "../../../src/service/serverDesk";
import { AgentRig, type RigOptions, record } from "../../support/agents/agentRig";
import { attached, file } from "../../support/agents/workspaceFiles";
import { rejection } from "../../support/models/folders";
import { newIds } from "../../support/servers/asked";
import {
  beginStream,
  counted,
  cut,
  delta,
  ended,
  failing,
  json,
  said,
  scriptedServer,
  stream,
  writeEvent,
} from "../../support/servers/scriptedServer";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const look: ToolSpec = { name: "look", description: "Looks.", parameters: { type: "object", required: ["at"] } };
const usage = (prompt: number, cached: number, completion: number) =>
  counted({ prompt_tokens: prompt, completion_tokens: completion, prompt_tokens_details: { cached_tokens: cached } });

describe("an agent that a server answers", function () {
  this.timeout(20_000);
  const scripted = scriptedServer();

  /** With a connected server; its agent is answered by it. */
  async function remote(home: string, options: RigOptions = {}) {
    const servers = new ServerDesk({
      file: path.join(home, "servers.json"),
      silentMs: 2_000,
      proxy: () => undefined,
      newId: newIds(),
    });
    await servers.connect({ address: scripted.server.url });
    const server: AgentServer = { address: scripted.server.url, model: "tiny" };
    const rig = new AgentRig(home, { servers, isUnset: true, ...options });
    const create = async (tools: readonly ToolSpec[] = []) =>
      (await rig.agents.create({ name: "Ada", system: "Be brief", server, tools })).id;
    return { rig, server, servers, create };
  }

  const messages = (at: number) =>
    scripted.server.requests.filter(({ method }) => method === "POST").at(at)?.json["messages"];

  it("is asked for JSON of a schema with the message that asks for it, and with no other", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      scripted.server.play(stream(said("{}"), ended()));
      const formats = async (jsonSchema?: JsonSchema) => {
        const running = await rig.agents.send(id, { text: "Hi", ...(jsonSchema && { jsonSchema }) });
        await rig.over(id, running);
        return scripted.server.requests.at(-1)?.json["response_format"];
      };
      assert.match(JSON.stringify(await formats({ type: "object", required: ["a"] })), /"required":\["a"\]/);
      assert.equal(await formats(), undefined);
    }));

  it("gets files in words: those attached to messages, and the pinned ones behind the instructions", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      await rig.agents.setPinnedFiles(id, [file("a.ts", "let a;")]);
      scripted.server.play(stream(said("Yes"), ended()), stream(said("No"), ended()));
      const attachments = [attached("b.ts", "let b;")];
      await rig.over(id, await rig.agents.send(id, { text: "Fine?", attachments }));
      await rig.ask(id, "Sure?");
      const system = "Be brief\n\nThese are files of the person's workspace:\n\nFile a.ts:\n```ts\nlet a;\n```";
      const content = "File b.ts:\n```ts\nlet b;\n```\n\nFine?";
      assert.deepEqual(messages(-1), [
        { role: "system", content: system },
        { role: "user", content },
        { role: "assistant", content: "Yes" },
        { role: "user", content: "Sure?" },
      ]);
      assert.deepEqual((await rig.agents.warm(id)).state, "idle");
      assert.equal((await rig.agents.get(id)).contextParts, undefined);
      await rig.agents.close();
    }));

  it("keeps what it said, its figures and their source", () =>
    inFolder(async (home) => {
      const { rig, server, create } = await remote(home);
      const id = await create();
      scripted.server.play(
        stream(said("Hel"), said("lo"), ended(), usage(20, 0, 2)),
        stream(said("Fine"), ended(), usage(40, 22, 1)),
      );
      const first = await rig.ask(id, "Hi");
      assert.deepEqual([first.text, first.finishReason, first.tokenIds], ["Hello", "stop", []]);
      const { promptTokens, reusedTokens, prefilledTokens, generatedTokens, by, untold, cache } = first.figures;
      assert.deepEqual([promptTokens, reusedTokens, prefilledTokens, generatedTokens], [20, 0, 20, 2]);
      assert.deepEqual([by, untold, cache.tier], ["server", undefined, "cold"]);
      const second = await rig.ask(id, "How are you?");
      assert.deepEqual([second.figures.reusedTokens, second.figures.prefilledTokens], [22, 18]);
      const detail = await rig.agents.get(id);
      assert.deepEqual(detail.server, server);
      assert.deepEqual([detail.modelName, detail.modelDirectory, detail.contextTokens], ["tiny", "", 0]);
      assert.deepEqual([detail.tokens, detail.turnCount, detail.tier, detail.hotTokens], [41, 2, "cold", 0]);
      assert.deepEqual(detail.turns[1]?.figures, second.figures);
      assert.deepEqual(messages(1), [
        { role: "system", content: "Be brief" },
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Hello" },
        { role: "user", content: "How are you?" },
      ]);
    }));

  it("says what the server does not count", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      scripted.server.play(stream(said("Hi"), ended()));
      const { figures } = await rig.ask(id, "Hi");
      assert.deepEqual(figures.untold, ["prompt", "reused", "generated"]);
      assert.deepEqual([figures.promptTokens, figures.generatedTokens], [0, 0]);
      assert.deepEqual((await rig.agents.get(id)).turns[0]?.figures, figures);
    }));

  it("is the same after a restart, and so is what is sent", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const first = await remote(home, { locks });
      const id = await first.create([look]);
      const call = { index: 0, id: "c1", function: { name: "look", arguments: '{"at":7}' } };
      scripted.server.play(
        stream(
          delta({ reasoning: "hm" }),
          said("I look."),
          delta({ tool_calls: [call] }),
          ended("tool_calls"),
          usage(9, 0, 9),
        ),
        stream(said("A tree."), ended()),
        stream(said("Green."), ended()),
      );
      const asked = await first.rig.ask(id, "What is there?");
      assert.deepEqual([asked.finishReason, asked.thought], ["calls", "hm"]);
      assert.deepEqual(asked.calls, [{ id: "c1", name: "look", arguments: { at: 7 } }]);
      await first.rig.over(id, await first.rig.agents.sendResults(id, { results: [{ call: "c1", text: "a tree" }] }));
      await first.rig.agents.close();
      const again = await remote(home, { locks });
      await again.rig.ask(id, "Which colour?");
      const before = JSON.stringify(messages(1)).slice(0, -1);
      assert.ok(JSON.stringify(messages(2)).startsWith(before));
      assert.deepEqual(messages(2), [
        { role: "system", content: "Be brief" },
        { role: "user", content: "What is there?" },
        {
          role: "assistant",
          content: "I look.",
          reasoning: "hm",
          tool_calls: [{ id: "c1", type: "function", function: { name: "look", arguments: '{"at":7}' } }],
        },
        { role: "tool", tool_call_id: "c1", name: "look", content: "a tree" },
        { role: "assistant", content: "A tree." },
        { role: "user", content: "Which colour?" },
      ]);
      const { turns } = await again.rig.agents.get(id);
      assert.deepEqual([turns[0]?.thought, turns[0]?.answer, turns[0]?.calls?.length], ["hm", "I look.", 1]);
    }));

  it("tells events in order: waits, thoughts, text, calls, what was dropped", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create([look]);
      const call = (index: number, name: string) => ({
        index,
        id: `c${index}`,
        function: { name, arguments: '{"at":7}' },
      });
      scripted.server.play(
        failing(429, "slow down", {}, { "retry-after": "0" }),
        stream(
          delta({ reasoning: "hm" }),
          said("x"),
          delta({ tool_calls: [call(0, "look"), call(1, "fly")] }),
          ended(),
        ),
      );
      const running = await rig.agents.send(id, { text: "Hi" });
      const events = record(running);
      const done = await rig.over(id, running);
      const types = events.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]);
      assert.deepEqual(types, ["waitingModel", "thinking", "text", "call", "dropped", "done"]);
      assert.deepEqual(done.dropped, { reason: "unknown", name: "fly", text: '{"at":7}' });
      assert.deepEqual((await rig.agents.get(id)).turns[0]?.dropped, done.dropped);
    }));

  it("keeps the answer of a stream that broke, and continues it", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      scripted.server.play((response) => {
        beginStream(response);
        writeEvent(response, said("one, "));
        setTimeout(() => cut(response), 20);
      });
      await rejection(rig.ask(id, "Count"), "SERVER_FAILURE", /in the middle/);
      const [turn] = (await rig.agents.get(id)).turns;
      assert.deepEqual([turn?.state, turn?.answer, turn?.error?.facts["reason"]], ["failed", "one, ", "broken"]);
      scripted.server.play(stream(said("two"), ended(), usage(30, 28, 1)));
      const done = await rig.over(id, await rig.agents.continueAnswer(id));
      assert.equal(done.text, "two");
      const [whole] = (await rig.agents.get(id)).turns;
      assert.deepEqual([whole?.state, whole?.answer], ["done", "one, two"]);
      assert.deepEqual(messages(1), [
        { role: "system", content: "Be brief" },
        { role: "user", content: "Count" },
        { role: "assistant", content: "one, " },
      ]);
    }));

  it("is stopped in the middle, keeps what came, and closes the stream", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      scripted.server.play((response) => {
        beginStream(response);
        writeEvent(response, said("one, "));
      });
      const running = await rig.agents.send(id, { text: "Count" });
      running.onEvent((event) => {
        if (event.type === "text") running.abort();
      });
      const done = await rig.over(id, running);
      assert.deepEqual([done.text, done.finishReason], ["one, ", "aborted"]);
      assert.equal(await scripted.server.requests.at(-1)?.cut, true);
      const [turn] = (await rig.agents.get(id)).turns;
      assert.deepEqual([turn?.answer, turn?.finishReason], ["one, ", "aborted"]);
      scripted.server.play(stream(said("two"), ended()));
      await rig.over(id, await rig.agents.continueAnswer(id));
      assert.equal((await rig.lastTurn(id)).answer, "one, two");
    }));

  it("is stopped before anything came: no count and no time is told that the server did not tell", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      const asked = new Promise<void>((resolve) => {
        scripted.server.play((response) => {
          beginStream(response);
          resolve();
        });
      });
      const running = await rig.agents.send(id, { text: "Count" });
      await asked;
      running.abort();
      assert.equal((await rig.over(id, running)).finishReason, "aborted");
      const { state, finishReason, figures } = await rig.lastTurn(id);
      assert.deepEqual([state, finishReason, figures?.by, figures?.ttftMs], ["done", "aborted", "server", 0]);
      assert.deepEqual(figures?.untold, ["prompt", "reused", "generated"]);
      scripted.server.play(stream(said("one"), ended(), usage(20, 0, 1)));
      await rig.over(id, await rig.agents.regenerate(id));
      assert.equal((await rig.lastTurn(id)).answer, "one");
    }));

  it("ends a turn whose server cannot be reached, and answers it again later", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      scripted.server.play(failing(500, "out of memory"));
      await rejection(rig.ask(id, "Hi"), "SERVER_FAILURE", /out of memory/);
      assert.equal((await rig.lastTurn(id)).state, "failed");
      scripted.server.play(stream(said("Hello"), ended()));
      await rig.over(id, await rig.agents.regenerate(id));
      const detail = await rig.agents.get(id);
      assert.deepEqual([detail.turns.length, detail.turns[0]?.answer], [1, "Hello"]);
    }));

  it("takes a message back that the server's context does not hold", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      scripted.server.play(
        stream(said("Hello"), ended()),
        failing(400, "request (13392 tokens) exceeds the available context size (8192 tokens)"),
      );
      await rig.ask(id, "Hi");
      const { facts } = await rejection(rig.ask(id, "a long one"), "CONTEXT_FULL", /13,392/);
      assert.deepEqual([facts["needed"], facts["context"]], [13392, 8192]);
      assert.equal((await rig.lastTurn(id)).user, "Hi", "the head went back");
    }));

  it("forks, rewinds and copies as others do", () =>
    inFolder(async (home) => {
      const { rig, server, create } = await remote(home);
      const id = await create();
      scripted.server.play(stream(said("one"), ended()), stream(said("two"), ended()), stream(said("three"), ended()));
      await rig.ask(id, "1");
      await rig.ask(id, "2");
      const fork = await rig.agents.fork(id, "Fork");
      assert.deepEqual(fork.server, server);
      const [first] = (await rig.agents.get(id)).turns;
      await rig.agents.rewind(id, first?.id);
      await rig.ask(id, "other");
      const { turns, branchCount } = await rig.agents.get(id);
      assert.deepEqual([turns.map(({ user }) => user), branchCount > 1], [["1", "other"], true]);
      assert.equal((await rig.agents.get(fork.id)).turns.length, 2);
      const copy = await rig.agents.copyWithModel(id, "Copy", "/models/fake");
      assert.equal(copy.server, undefined);
      assert.deepEqual(
        (await rig.agents.get(copy.id)).turns.map(({ answer }) => answer),
        ["one", "three"],
      );
    }));

  it("comes from a folder with its conversation, and goes back to its own tokens", () =>
    inFolder(async (home) => {
      const { rig, server } = await remote(home, { isUnset: false });
      const id = await rig.create("Ada", "Be brief");
      const local = await rig.ask(id, "first question");
      const moved = await rig.agents.useServer(id, server);
      assert.deepEqual([moved.server, moved.modelName, moved.tier, moved.hotTokens], [server, "tiny", "cold", 0]);
      scripted.server.play(stream(said("from afar"), ended(), usage(50, 0, 3)));
      await rig.ask(id, "second");
      assert.deepEqual(messages(0), [
        { role: "system", content: "Be brief" },
        { role: "user", content: "first question" },
        { role: "assistant", content: local.text },
        { role: "user", content: "second" },
      ]);
      assert.equal((await rig.agents.get(id)).tokens, 53);
      const back = await rig.agents.useFolder(id, "/models/fake");
      assert.deepEqual([back.server, back.modelName], [undefined, "fake"]);
      const done = await rig.ask(id, "third");
      assert.equal(done.figures.by, undefined);
      assert.ok(done.figures.reusedTokens > 0, "what it had read before is restored");
      assert.deepEqual(done.figures.promptTokens, rig.lastPrompt.length);
      const { turns } = await rig.agents.get(id);
      assert.deepEqual(
        turns.map(({ figures }) => figures?.by),
        [undefined, "server", undefined],
      );
    }));

  it("does not go to a folder whose tokens are not its own", () =>
    inFolder(async (home) => {
      const { rig, server, create } = await remote(home, { isUnset: false });
      const id = await rig.create("Local");
      await rig.ask(id, "first question");
      await rig.agents.useServer(id, server);
      await rejection(rig.agents.useFolder(id, "/models/other"), "INVALID_REQUEST", /read tokens with the model/);
      const fresh = await create();
      scripted.server.play(stream(said("Hello"), ended()));
      await rig.ask(fresh, "Hi");
      assert.equal((await rig.agents.useFolder(fresh, "/models/other")).modelDirectory, "/models/other");
    }));

  it("does not go on with an answer that another engine began", () =>
    inFolder(async (home) => {
      const { rig, server } = await remote(home, { settings: { maxTokens: 3 }, isUnset: false });
      const id = await rig.create("Ada");
      assert.equal((await rig.ask(id, "question")).finishReason, "length");
      await rig.agents.useServer(id, server);
      await rejection(rig.agents.continueAnswer(id), "INVALID_REQUEST", /a model on this machine began/);
      scripted.server.play(stream(said("cut"), ended("length")));
      assert.equal((await rig.ask(id, "more")).finishReason, "length");
      await rig.agents.useFolder(id, "/models/fake");
      await rejection(rig.agents.continueAnswer(id), "INVALID_REQUEST", /a server began/);
    }));

  it("sends only the sampling that was chosen", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home, { isUnset: false, settings: { temperature: 0.5, topP: 0.9 } });
      const id = await create();
      await rig.agents.setSampling(id, { temperature: 0.25 });
      scripted.server.play(stream(said("x"), ended()));
      await rig.ask(id, "Hi", { seed: 7 });
      const { temperature, top_p, seed, max_tokens, top_k } = scripted.server.requests.at(-1)?.json ?? {};
      assert.deepEqual([temperature, top_p, seed, max_tokens, top_k], [0.25, 0.9, 7, 8, undefined]);
    }));

  it("asks for JSON of a schema", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create([look]);
      const jsonSchema = { type: "object", properties: { city: { type: "string" } } };
      scripted.server.play(stream(said("{}"), ended()));
      await rig.over(id, await rig.agents.send(id, { text: "Where?", jsonSchema }));
      await rig.ask(id, "And then?");
      const [first, second] = scripted.server.requests.filter(({ method }) => method === "POST");
      assert.deepEqual(first?.json["response_format"], {
        type: "json_schema",
        json_schema: { name: "answer", schema: jsonSchema, strict: true },
      });
      assert.equal(first?.json["tool_choice"], "none");
      assert.equal(second?.json["response_format"], undefined);
    }));

  it("needs no model here: nothing is read ahead, no draft is measured", () =>
    inFolder(async (home) => {
      const { rig, create } = await remote(home);
      const id = await create();
      await rig.agents.warm(id, "a draft");
      assert.equal(await rig.agents.measureDraft(id, "a draft"), undefined);
      assert.deepEqual([rig.renderedAhead, rig.heldLeases], [[], 0]);
    }));

  it("is refused where its server is not connected any more, or lists no such model", () =>
    inFolder(async (home) => {
      const { rig, servers, server, create } = await remote(home);
      await rejection(
        rig.agents.create({ name: "x", server: { ...server, model: "huge" } }),
        "SERVER_REFUSED",
        /no model huge/,
      );
      const id = await create();
      scripted.server.models = json({ data: [{ id: "tiny" }, { id: "huge", max_model_len: 4096 }] });
      assert.equal((await rig.agents.useServer(id, { ...server, model: "huge" })).contextTokens, 4096);
      await servers.forget(server.address);
      await rejection(rig.ask(id, "Hi"), "SERVER_UNKNOWN", /is not connected/);
      assert.equal((await rig.lastTurn(id)).state, "failed");
      await rejection(rig.agents.useServer(id, server), "SERVER_UNKNOWN", /is not connected/);
    }));
});
