/** The contract of every service, independent of where its core runs. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { type ChatMessage, userInput } from "../../../src/common/messages";
import type {
  CountedInput,
  Progress,
  ResidentService,
  ServiceEvent,
  ServiceOptions,
} from "../../../src/protocol/service";
import { record } from "../agents/agentRig";
import { attached, file } from "../agents/workspaceFiles";
import { tinyGguf } from "../models/tinyGguf";
import { beginStream, ended, ScriptedServer, said, stream } from "../servers/scriptedServer";
import { otherModel } from "./serviceOptions";

export interface DoorRig {
  readonly folder: string;
  readonly service: ResidentService;
  readonly events: readonly ServiceEvent[];
}

/** Runs `body` with a service over the fake device and two models on disk, and ends it afterwards. */
export type InService = (body: (rig: DoorRig) => Promise<void>, change?: Partial<ServiceOptions>) => Promise<void>;

export function describeDoor(place: string, inService: InService): void {
  describe(`the service, its core ${place}`, function () {
    this.timeout(20_000);

    it("loads nothing before it is needed", () =>
      inService(async ({ service, events }) => {
        const status = await service.status();
        assert.equal(status.engine.type, "idle");
        assert.equal(status.pool, undefined);
        assert.deepEqual(status.agents, []);
        await service.createAgent({ name: "Ada" });
        assert.deepEqual(
          events.filter(({ type }) => type === "engine"),
          [],
        );
      }));

    it("answers one prompt, and says what it loads on the way", () =>
      inService(async ({ service, events }) => {
        const done = await service.generate({ prompt: "Hello" }).done;
        assert.equal(done.finishReason, "length");
        assert.equal(done.tokenIds.length, 6);
        const states = events.flatMap((event) => (event.type === "engine" ? [event.state.type] : []));
        assert.deepEqual([states[0], states.at(-1)], ["loading", "ready"]);
        const { pool, engine, metrics } = await service.status();
        assert.equal(engine.type, "ready");
        assert.equal(pool?.usedBlocks, 0);
        assert.equal(
          pool?.map.reduce((sum, run) => sum + run.count, 0),
          pool?.totalBlocks,
        );
        assert.equal(metrics.prefixCacheQueries, done.figures.promptTokens);
      }));

    it("answers a raw prompt without a template, and the same text twice from memory", () =>
      inService(async ({ service }) => {
        const first = await service.generate({ prompt: "Once upon a time there was", raw: true }).done;
        const second = await service.generate({ prompt: "Once upon a time there was", raw: true }).done;
        assert.ok(first.figures.promptTokens < 27);
        assert.deepEqual(second.tokenIds, first.tokenIds);
        assert.equal(second.figures.cache.tier, "hot");
      }));

    it("tells an answer's story in order, whole, and again to late listeners", () =>
      inService(async ({ service }) => {
        const running = service.generate({ prompt: "Hello" });
        const told = record(running);
        const done = await running.done;
        const types = told.map(({ type }) => type).filter((type, at, all) => type !== all[at - 1]);
        assert.deepEqual(types, ["prefill", "text", "done"]);
        const text = told.map((event) => (event.type === "text" ? event.text : "")).join("");
        assert.equal(text, done.text);
        const late = record(running);
        assert.deepEqual(
          late.map(({ type }) => type),
          ["prefill", "text", "done"],
        );
        assert.deepEqual(late.at(-1), done);
      }));

    it("aborts an answer that has hardly begun", () =>
      inService(async ({ service }) => {
        const running = service.generate({ prompt: "Hello" });
        running.abort();
        assert.equal((await running.done).finishReason, "aborted");
        assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
      }));

    for (const prompt of ["", "  \n"]) {
      it(`refuses ${JSON.stringify(prompt)} without loading anything`, () =>
        inService(async ({ service, events }) => {
          const running = service.generate({ prompt });
          const told = record(running);
          await assert.rejects(running.done, { code: "INVALID_REQUEST" });
          assert.deepEqual(
            told.map(({ type }) => type),
            ["failed"],
          );
          assert.deepEqual(events, []);
        }));
    }

    it("answers another program's conversation, and finds it again when all of it is sent again", () =>
      inService(async ({ service, folder }) => {
        const modelDirectory = otherModel(folder);
        const messages: ChatMessage[] = [
          { role: "system", content: "Be brief" },
          { role: "user", content: "A question that is longer than a block" },
        ];
        const first = await service.chat({ modelDirectory, messages, conversation: "c" }).done;
        assert.equal(first.tokenIds.length, 6);
        assert.deepEqual(await service.countTokens(modelDirectory, [messages]), [first.figures.promptTokens]);
        messages.push({ role: "assistant", content: first.text }, { role: "user", content: "And?" });
        const running = service.chat({ modelDirectory, messages, conversation: "c" });
        const told = record(running);
        const second = await running.done;
        assert.deepEqual(told.at(-1), second);
        assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
        const { threads, pool } = await service.status();
        assert.equal(threads.count, 1);
        assert.deepEqual(threads.recent[0]?.figures, second.figures);
        assert.equal(threads.recent[0]?.conversation, "c");
        assert.equal(threads.bytes, (pool?.usedBlocks ?? 0) * (pool?.blockBytes ?? 0));
        await assert.rejects(service.chat({ modelDirectory, messages: [] }).done, { code: "INVALID_REQUEST" });
      }));

    it("counts the tokens of texts, of single messages, and of what a conversation is read as", () =>
      inService(async ({ service, folder, events }) => {
        const modelDirectory = otherModel(folder);
        const count = async (input: CountedInput) =>
          (await service.countTokens(modelDirectory, [input]))[0] ?? Number.NaN;
        const user = (content: string): ChatMessage => ({ role: "user", content });
        assert.deepEqual(await service.countTokens(modelDirectory, ["", "hello", []]), [0, 1, 0]);
        const [one, more] = [await count([user("hello")]), await count([user("hello hello")])];
        assert.ok(one > 1 && more > one);
        const files = [...userInput("hello", [attached("a.ts", "let a;")])];
        assert.equal(await count(files), await count([user("File a.ts:\n```ts\nlet a;\n```\n\nhello")]));
        const answer: ChatMessage = { role: "assistant", content: "Yes" };
        const parts = (await count([answer])) + (await count([user("And?")])) + one;
        const opening = (await count([user("hello"), answer, user("And?")])) - parts;
        // What is said before every answer.
        assert.equal(opening, (await count([user("a"), user("b")])) - 2 * (await count([user("b")])));
        await assert.rejects(service.countTokens(path.join(folder, "nowhere"), ["x"]), { code: "MODEL_NOT_FOUND" });
        assert.deepEqual(events, []);
      }));

    it("offers its models to other programs with limits that hold", () =>
      inService(async ({ service, folder }) => {
        const before = await service.chatModels();
        assert.deepEqual(before.map(({ name }) => name).sort(), ["other", "starter"]);
        for (const { takesTools, whyNoTools } of before) {
          assert.deepEqual([takesTools, whyNoTools], [false, "the model's chat template has no place for tools"]);
        }
        const messages: readonly ChatMessage[] = [{ role: "user", content: "Hello" }];
        await service.chat({ modelDirectory: otherModel(folder), messages }).done;
        const loaded = (await service.chatModels()).find(({ name }) => name === "other");
        assert.deepEqual([loaded?.maxInputTokens, loaded?.maxOutputTokens], [384, 128]);
      }));

    it("refuses a prompt that is longer than the context with the numbers", () =>
      inService(async ({ service }) => {
        const running = service.generate({ prompt: "x ".repeat(600), raw: true });
        await assert.rejects(running.done, (error: unknown) => {
          assert.ok(error instanceof ResidentError);
          assert.equal(error.code, "CONTEXT_FULL");
          assert.equal(error.facts["context"], 512);
          return true;
        });
        assert.equal((await service.generate({ prompt: "Hello" }).done).tokenIds.length, 6);
      }));

    it("lets a server answer: one prompt, and an agent", () =>
      inService(async ({ service }) => {
        const server = await ScriptedServer.start();
        try {
          const connected = await service.connectServer({ address: `http://127.0.0.1:${server.port}`, key: "k" });
          assert.deepEqual(
            [connected.address, connected.models, connected.hasKey],
            [server.url, [{ name: "tiny" }], true],
          );
          assert.deepEqual(await service.listServers(), [connected]);
          const tiny = { address: connected.address, model: "tiny" };
          server.play(stream(said("OK"), ended()));
          assert.equal((await service.tryServer(tiny)).text, "OK");
          const once = await service.generate({ prompt: "Hello", system: "Be brief", server: tiny }).done;
          assert.deepEqual([once.text, once.figures.by, once.finishReason], ["OK", "server", "stop"]);
          await assert.rejects(service.generate({ prompt: "x", raw: true, server: tiny }).done, {
            code: "INVALID_REQUEST",
          });
          const { id } = await service.createAgent({ name: "Ada", server: tiny });
          const running = await service.send(id, { text: "Hello" });
          assert.equal((await running.done).text, "OK");
          assert.equal(server.requests.at(-1)?.headers.authorization, "Bearer k");
          assert.deepEqual((await service.findAgent("Ada"))?.server, tiny);
          const folder = (await service.listModels())[0]?.directory ?? "";
          assert.equal((await service.useFolder(id, folder)).server, undefined);
          assert.deepEqual((await service.useServer(id, tiny)).server, tiny);
          await service.forgetServer(tiny.address);
          await assert.rejects(service.useServer(id, tiny), { code: "SERVER_UNKNOWN" });
          assert.equal((await service.status()).engine.type, "idle", "nothing was loaded");
        } finally {
          await server.stop();
        }
      }));

    it("aborts what a server answers", () =>
      inService(async ({ service }) => {
        const server = await ScriptedServer.start();
        try {
          await service.connectServer({ address: server.url });
          const asked = new Promise<void>((resolve) =>
            server.play((response) => {
              beginStream(response);
              resolve();
            }),
          );
          const running = service.generate({ prompt: "Hello", server: { address: server.url, model: "tiny" } });
          await asked;
          running.abort();
          assert.equal((await running.done).finishReason, "aborted");
          assert.equal(await server.requests.at(-1)?.cut, true);
        } finally {
          await server.stop();
        }
      }));

    it("continues an agent: sends, answers again, and knows the answer that runs", () =>
      inService(async ({ service, events }) => {
        const { id } = await service.createAgent({ name: "Ada", system: "Be brief" });
        const first = await service.send(id, { text: "A question that is longer than a block" });
        const same = await service.running(id);
        assert.equal(same?.id, first.id);
        const done = await first.done;
        assert.equal((await same?.done)?.text, done.text);
        const again = await (await service.regenerate(id)).done;
        assert.equal(again.figures.promptTokens, done.figures.promptTokens);
        const { turns, branches, system } = await service.getAgent(id);
        const others = branches.filter(({ current, isEnd }) => isEnd && !current);
        assert.deepEqual([turns.length, others.length, system], [1, 1, "Be brief"]);
        assert.equal(turns[0]?.answer, again.text);
        await (await service.send(id, { text: "More" })).done;
        const { turns: newest, turnCount, ...rest } = await service.getAgent(id, 1);
        assert.deepEqual([newest.length, newest[0]?.user, turnCount], [1, "More", 2]);
        assert.deepEqual([rest.branches, rest.branchCount], [[], 2]);
        assert.equal((await service.findAgent("Ada"))?.id, id);
        const turnEvents = events.map(({ type }) => type).filter((type) => type.startsWith("turn"));
        assert.deepEqual(turnEvents, Array(3).fill(["turnStarted", "turnEnded"]).flat());
      }));

    it("goes on with an answer that was cut", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        await assert.rejects(service.continueAnswer(id), { code: "INVALID_REQUEST" });
        const first = await (await service.send(id, { text: "Hello", sampling: { maxTokens: 4 } })).done;
        const running = await service.continueAnswer(id, { maxTokens: 3 });
        const told: string[] = [];
        running.onEvent((event) => {
          if (event.type === "continues") told.push(event.text);
        });
        const rest = await running.done;
        assert.deepEqual(told, [first.text]);
        assert.equal(rest.figures.prefilledTokens, 1);
        const { turns } = await service.getAgent(id);
        assert.deepEqual([turns.length, turns[0]?.answer], [1, first.text + rest.text]);
      }));

    it("measures a draft while the agent's model is loaded", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        assert.equal(await service.measureDraft(id, "Hello"), undefined);
        assert.equal((await service.status()).engine.type, "idle");
        await (await service.send(id, { text: "Hello" })).done;
        const size = await service.measureDraft(id, "More");
        const { figures } = await (await service.send(id, { text: "More" })).done;
        assert.equal(size?.promptTokens, figures.promptTokens);
        assert.ok(size !== undefined && size.draftTokens > 0 && size.draftTokens < size.promptTokens);
      }));

    it("has files in an agent's prompts: attached to a message, and pinned behind its instructions", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        const pinned = file("src/pinned.ts", "let pinned;\n");
        const { files } = await service.setPinnedFiles(id, [pinned]);
        assert.deepEqual(files, [{ path: pinned.path, digest: pinned.digest, length: pinned.text.length }]);
        const attachments = [attached("src/a.ts", "let a;", { kind: "selection", range: { from: 3, to: 4 } })];
        await service.warmAgent(id, "Why", attachments);
        // The model is loaded by the first answer at the latest.
        await (await service.send(id, { text: "Hello" })).done;
        const size = await service.measureDraft(id, "Why?", undefined, attachments);
        await service.warmAgent(id, "Why?", attachments);
        const { figures } = await (await service.send(id, { text: "Why?", attachments })).done;
        assert.equal(size?.promptTokens, figures.promptTokens);
        assert.ok(size !== undefined && figures.prefilledTokens < size.draftTokens);
        const { turns, contextParts, ...agent } = await service.getAgent(id);
        const [{ text, ...view } = assert.fail()] = attachments;
        assert.deepEqual(turns[1]?.attachments, [{ ...view, length: text.length }]);
        assert.equal(await service.attachmentText(id, turns[1]?.id ?? "", 0), text);
        assert.equal(contextParts?.files, agent.files?.[0]?.tokens);
        assert.ok((contextParts?.files ?? 0) > 0);
        await assert.rejects(service.attachmentText(id, "t9", 0), { code: "INVALID_REQUEST" });
        assert.equal(await service.pinnedText(id, pinned.path), pinned.text);
        await assert.rejects(service.pinnedText(id, "src/other.ts"), { code: "INVALID_REQUEST" });
        assert.deepEqual(await service.toldChanges(id), []);
        const change = attached(pinned.path, "+let more;", { kind: "change" });
        const told = await service.send(id, { text: "Look", attachments: [change] });
        await told.done;
        assert.deepEqual(await service.toldChanges(id), [{ path: pinned.path, digest: change.digest }]);
        const { turns: later } = await service.getAgent(id, 1);
        assert.deepEqual(await service.toldChanges(id, later[0]?.id), []);
        await assert.rejects(service.setPinnedFiles(id, [pinned, pinned]), { code: "INVALID_REQUEST" });
        assert.equal((await service.setPinnedFiles(id, [])).files, undefined);
      }));

    it("has no answer of an agent that is idle", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        assert.equal(await service.running(id), undefined);
      }));

    it("stops an agent's answer by asking for it anew", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        const sent = await service.send(id, { text: "Hello" });
        (await service.running(id))?.abort();
        await sent.done;
        await service.saveAgent(id);
        assert.equal(await service.running(id), undefined);
      }));

    it("changes agents: names, instructions, forks, rewinds, pins, starts over, deletes", () =>
      inService(async ({ service, events }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        for (const text of ["One", "Two"]) await (await service.send(id, { text })).done;
        await service.setShown(id, true);
        assert.equal((await service.renameAgent(id, "Grace")).name, "Grace");
        assert.equal((await service.pinAgent(id, true)).pinned, true);
        const [first] = (await service.getAgent(id)).turns;
        const fork = await service.forkAgent(id, "Copy", first?.id);
        assert.equal(fork.turnCount, 1);
        assert.equal((await service.startOver(id, 1)).turnCount, 1);
        assert.equal((await service.rewindAgent(id, undefined)).turnCount, 0);
        await service.setSystemPrompt(id, "Be kind");
        assert.equal((await service.getAgent(id)).system, "Be kind");
        assert.equal((await service.warmAgent(fork.id, "dra")).id, fork.id);
        await service.setShown(id, false);
        await service.deleteAgent(id);
        await assert.rejects(service.getAgent(id), { code: "AGENT_NOT_FOUND" });
        assert.deepEqual(
          (await service.listAgents()).map(({ name }) => name),
          ["Copy"],
        );
        const last = events.filter((event) => event.type === "agent" && event.id === id).at(-1);
        assert.deepEqual(last, { type: "agent", id });
      }));

    it("takes a fork's branch over, and deletes delegates with their agent", () =>
      inService(async ({ service, events }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        await (await service.send(id, { text: "One" })).done;
        const way = await service.forkAgent(id, "Ada", undefined, { delegateOf: id });
        assert.deepEqual([way.name, way.delegateOf], ["Ada 2", id]);
        const request = { text: "Two", isOneOfSeveral: true };
        const running = [await service.send(id, request), await service.send(way.id, request)];
        await Promise.all(running.map(({ done }) => done));
        const last = await service.adoptBranch(id, way.id, { asHead: true });
        const { turns, branchCount } = await service.getAgent(id);
        assert.deepEqual([turns.at(-1)?.id, turns.length, branchCount], [last, 2, 3]);
        await assert.rejects(service.adoptBranch(id, id), { code: "INVALID_REQUEST" });
        await service.deleteAgent(id);
        assert.deepEqual(await service.listAgents(), []);
        const gone = events.filter((event) => event.type === "agent" && event.summary === undefined);
        assert.equal(gone.length, 2);
      }));

    it("compacts a conversation and says how far it is, unless that is stopped", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        for (const text of ["One", "Two"]) await (await service.send(id, { text })).done;
        await assert.rejects(service.compactAgent(id, { turns: 1 }, undefined, AbortSignal.abort()), {
          code: "ABORTED",
        });
        assert.equal((await service.getAgent(id)).branchCount, 0);
        const heard: Progress[] = [];
        await service.compactAgent(id, { turns: 1 }, (progress) => heard.push(progress));
        const [first] = (await service.getAgent(id)).turns;
        assert.deepEqual(first?.summary, { turns: 1 });
        assert.ok((first?.figures?.reusedTokens ?? 0) > 0);
        assert.ok(heard.some(({ done, total }) => done > 0 && done <= total));
        await service.rewindAgent(id, "t2");
        const server = await ScriptedServer.start();
        try {
          const { address } = await service.connectServer({ address: server.url });
          await service.useServer(id, { address, model: "tiny" });
          server.play(stream(said("Two questions, two answers."), ended()));
          const told: Progress[] = [];
          const { turnCount } = await service.compactAgent(id, { turns: 1 }, (progress) => told.push(progress));
          assert.equal(turnCount, 2);
          assert.ok(told.length > 0);
          const { turns } = await service.getAgent(id);
          assert.deepEqual(
            turns.map(({ summary, user }) => (summary === undefined ? user : summary)),
            [{ turns: 1 }, "Two"],
          );
          assert.match(turns[0]?.user ?? "", /\n\nTwo questions, two answers\.$/);
          const cut = new AbortController();
          server.play((response) => {
            beginStream(response);
            cut.abort();
          });
          await assert.rejects(service.compactAgent(id, { turns: 1 }, undefined, cut.signal), { code: "ABORTED" });
          assert.equal((await service.getAgent(id)).branches.filter(({ isEnd }) => isEnd).length, 3);
        } finally {
          await server.stop();
        }
      }));

    it("reads results ahead only for calls that wait", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        assert.equal((await service.readAheadResults(id, [])).id, id);
        await assert.rejects(service.readAheadResults(id, [{ call: "c1", text: "x" }]), { code: "INVALID_REQUEST" });
      }));

    it("saves what is hot before it unloads", () =>
      inService(async ({ service }) => {
        const ada = await service.createAgent({ name: "Ada" });
        await (await service.send(ada.id, { text: "Remember this" })).done;
        await service.unloadModel();
        const [summary] = await service.listAgents();
        assert.equal(summary?.tier, "warm");
        assert.equal((await service.status()).engine.type, "idle");
        const { objects, bytes } = (await service.status()).store;
        assert.ok(objects > 0 && bytes > 0);
      }));

    it("names a model that is not there, and stays usable with another", () =>
      inService(
        async ({ service, folder }) => {
          assert.equal((await service.status()).engine.type, "noModel");
          await assert.rejects(service.generate({ prompt: "Hello" }).done, { code: "MODEL_NOT_FOUND" });
          await assert.rejects(service.createAgent({ name: "Ada" }), { code: "MODEL_NOT_FOUND" });
          await service.chooseModel(otherModel(folder));
          assert.equal((await service.status()).engine.type, "idle");
          assert.equal((await service.generate({ prompt: "Hello" }).done).finishReason, "length");
        },
        { starterModel: "/nowhere" },
      ));

    it("says what is wrong with a pool that cannot hold one block, and stays alive", () =>
      inService(
        async ({ service }) => {
          await assert.rejects(service.generate({ prompt: "Hello" }).done, { code: "INVALID_REQUEST" });
          assert.equal((await service.status()).engine.type, "failed");
        },
        { poolBytes: 100 },
      ));

    it("lists its models, the starter first, and describes one", () =>
      inService(async ({ service }) => {
        const models = await service.listModels();
        assert.deepEqual(
          models.map(({ name, isStarter }) => [name, isStarter]),
          [
            ["starter", true],
            ["other", false],
          ],
        );
        assert.equal((await service.inspectModel(models[0]?.directory ?? "")).hasChatTemplate, true);
        const { sections } = await service.diagnose();
        assert.ok(sections.some(({ title }) => title === "Platform"));
      }));

    it("loads a model, unless that is cancelled", () =>
      inService(async ({ service }) => {
        await assert.rejects(service.loadModel(AbortSignal.abort()), { code: "ABORTED" });
        assert.equal((await service.loadModel()).name, "starter");
      }));

    it("imports a model and says how far it is, until it is cancelled", () =>
      inService(async ({ service, folder, events }) => {
        const file = path.join(folder, "tiny.gguf");
        await writeFile(file, tinyGguf());
        const told: Progress[] = [];
        const model = await service.importGguf({ file }, (progress) => told.push(progress));
        assert.equal(model.name, "tiny");
        assert.equal(told.at(-1)?.done, told.at(-1)?.total);
        const cancel = new AbortController();
        const again = service.importGguf({ file, name: "again" }, () => {}, cancel.signal);
        cancel.abort();
        await assert.rejects(again, { code: "ABORTED" });
        const isModels = ({ type }: ServiceEvent) => type === "models";
        assert.equal(events.filter(isModels).length, 1);
        await service.deleteModel(model.directory);
        assert.equal(events.filter(isModels).length, 2);
      }));

    it("refuses a benchmark that it cannot run", () =>
      inService(async ({ service }) => {
        await assert.rejects(
          service.runBench("exp-005", () => {}),
          { code: "USAGE" },
        );
      }));

    it("ends its answers and saves its agents when it is ended, and refuses what comes then", () =>
      inService(async ({ service }) => {
        const { id } = await service.createAgent({ name: "Ada" });
        const running = await service.send(id, { text: "Hello" });
        await service.dispose(10_000);
        await running.done;
        await assert.rejects(service.generate({ prompt: "Hello" }).done, { code: "ABORTED" });
      }));
  });
}
