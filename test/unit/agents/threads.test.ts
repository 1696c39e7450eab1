import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { ChatMessage } from "../../../src/common/messages";
import type { ToolSpec } from "../../../src/common/tools";
import { commonPrefix } from "../../../src/engine/tokenHistory";
import { durableFiles } from "../../../src/store/files";
import { ThreadFiles } from "../../../src/store/threadFiles";
import { record } from "../../support/agents/agentRig";
import { said, system, ThreadRig, user } from "../../support/agents/threadRig";
import { inFolder } from "../../support/store/fakes";

const look: ToolSpec = {
  name: "look",
  description: "Looks at a place.",
  parameters: { type: "object", properties: { at: { type: "integer" }, near: { type: "boolean" } }, required: ["at"] },
};
const wait: ToolSpec = { name: "wait", description: "Waits.", parameters: { type: "object", properties: {} } };

const rules = system("You answer questions about gardens, briefly and kindly.");
const long = user("What grows in the shade of an old oak, and what does not?");
const conversation = "c1";

describe("a thread", function () {
  this.timeout(20_000);

  it("is found again by its content: the second request reads only what is new", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const first = await rig.ask([rules, long], { conversation });
      assert.equal(first.figures.reusedTokens, 0);
      assert.deepEqual(first.tokenIds, rig.expected(long.content));
      const second = await rig.ask([rules, long, said(first), user("And moss?")], { conversation });
      assert.deepEqual(second.tokenIds, rig.expected("And moss?"));
      const asked = rig.promptOf("And moss?");
      const before = Int32Array.from([...rig.promptOf(long.content), ...first.tokenIds]);
      // The last sampled token was never fed back.
      assert.ok(second.figures.reusedTokens >= Math.min(commonPrefix(asked, before), before.length - 1));
      assert.equal(second.figures.reusedTokens + second.figures.prefilledTokens, asked.length);
      assert.equal(second.figures.departure, undefined);
      assert.equal(rig.heldLeases, 0);
      rig.assertWhole();
      await rig.threads.close();
      rig.assertWhole();
      assert.equal(rig.session.engine.pool.referencedBlocks, 0);
    }));

  it("keeps the ids that were sampled, whatever white space comes back around its answer", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home, { maxAnswerTokens: 12 });
      const first = await rig.ask([rules, long], { conversation });
      const back: ChatMessage = { role: "assistant", content: `${first.text.trimEnd()} \n` };
      const second = await rig.ask([rules, long, back, user("Go on.")], { conversation });
      const asked = rig.promptOf("Go on.");
      const start = rig.promptOf(long.content).length;
      const kept = asked.subarray(start, start + first.tokenIds.length - 1);
      assert.deepEqual([...kept], first.tokenIds.slice(0, -1));
      assert.deepEqual(second.tokenIds, rig.expected("Go on."));
    }));

  it("is the same for tools in another order, and for their schemas' keys in another order", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const first = await rig.ask([rules, long], { tools: [look, wait] });
      const turned: ToolSpec = {
        name: "look",
        description: "Looks at a place.",
        parameters: {
          required: ["at"],
          properties: { near: { type: "boolean" }, at: { type: "integer" } },
          type: "object",
        },
      };
      const messages = [rules, long, said(first), user("And ferns?")];
      const second = await rig.ask(messages, { tools: [wait, turned] });
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
      assert.equal(rig.threads.status(1).count, 1);
    }));

  it("keeps what was read of its own tools when those of a server come and go", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const ofServer: ToolSpec = { name: "mcp_a_first", description: "Comes and goes.", parameters: {} };
      await rig.ask([rules, long], { tools: [ofServer, wait, look], conversation });
      const all = rig.promptOf(long.content);
      const without = await rig.ask([rules, long], { tools: [look, wait], conversation });
      const common = commonPrefix(all, rig.promptOf(long.content));
      const text = rig.session.text.prompts.countText(`${JSON.stringify(look)}${JSON.stringify(wait)}`);
      assert.ok(common > (await text), `both prompts begin with the built-in tools: ${common} tokens`);
      assert.ok(without.figures.reusedTokens >= common - 1, `${without.figures.reusedTokens} of ${common}`);
      assert.match(without.figures.departure?.before ?? "", /mcp_a_first/);
    }));

  it("whose answers come back without their thoughts is read again behind the first one only, and says so", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home, { thoughtTokens: 3, maxAnswerTokens: 8 });
      const first = await rig.ask([rules, long], { conversation });
      assert.ok((first.thought ?? "") !== "" && first.text !== "");
      const second = await rig.ask([rules, long, said(first), user("And moss?")], { conversation });
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens, "up to the answer");
      assert.deepEqual(second.tokenIds, rig.expected("And moss?"));
      assert.equal(rig.threads.status(1).count, 1);
      const third = await rig.ask([rules, long, said(first), user("And moss?"), said(second), user("Why?")], {
        conversation,
      });
      assert.ok(third.figures.reusedTokens >= second.figures.promptTokens, "the first answer as it was read last");
    }));

  it("forks when requests come at once, and none of them waits for another", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const first = await rig.ask([rules, long], { conversation });
      const before = [rules, long, said(first)];
      const questions = ["And moss?", "And ferns?", "And ivy, perhaps?"];
      const both = await Promise.all(questions.map((text) => rig.ask([...before, user(text)], { conversation })));
      for (const [index, { tokenIds, figures }] of both.entries()) {
        assert.deepEqual(tokenIds, rig.expected(questions[index] ?? ""));
        assert.ok(figures.reusedTokens >= first.figures.promptTokens);
      }
      rig.assertWhole();
      // Each branch goes on with its own cache.
      for (const [index, done] of both.entries()) {
        const next = await rig.ask([...before, user(questions[index] ?? ""), said(done), user(`more ${index}`)]);
        assert.deepEqual(next.tokenIds, rig.expected(`more ${index}`));
        assert.ok(next.figures.reusedTokens >= done.figures.promptTokens);
      }
    }));

  it("finds the old branch when a line of an earlier message goes and comes back", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const messages: ChatMessage[] = [rules, user("First line.\nSecond line.\nThird line.")];
      for (const text of ["One more?", "Two more?", "Three more?"]) {
        messages.push(said(await rig.ask(messages, { conversation })), user(text));
      }
      const whole = await rig.ask(messages, { conversation });
      const reduced = messages.map((message, index) => (index === 1 ? user("First line.\nThird line.") : message));
      const other = await rig.ask(reduced, { conversation });
      assert.deepEqual(other.tokenIds, rig.expected("Three more?"));
      assert.ok(other.figures.reusedTokens < 100);
      assert.match(other.figures.departure?.before ?? "", /Second/);
      assert.match(other.figures.departure?.now ?? "", /Third/);
      const back = await rig.ask([...messages, said(whole), user("Again.")], { conversation });
      assert.ok(back.figures.reusedTokens >= whole.figures.promptTokens);
      assert.deepEqual(back.tokenIds, rig.expected("Again."));
    }));

  it("uses an answer that was cut or continued by the other program as far as its text agrees", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home, { maxAnswerTokens: 16 });
      const first = await rig.ask([rules, long], { conversation });
      const noted: ChatMessage = { role: "assistant", content: `${first.text}\n\n*It was cut.*` };
      const second = await rig.ask([rules, long, noted, user("Go on.")], { conversation });
      assert.deepEqual(second.tokenIds, rig.expected("Go on."));
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
      const asked = rig.promptOf("Go on.");
      const start = first.figures.promptTokens;
      assert.deepEqual([...asked.subarray(start, start + 4)], first.tokenIds.slice(0, 4));
    }));

  it("answers that it did not make are read as their text", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const theirs: ChatMessage = { role: "assistant", content: "Ferns do, and ivy." };
      const messages = [rules, long, theirs, user("What else?")];
      const first = await rig.ask(messages, { conversation });
      assert.deepEqual(first.tokenIds, rig.expected("What else?"));
      const second = await rig.ask([...messages, said(first), user("Thanks.")], { conversation });
      assert.deepEqual(second.tokenIds, rig.expected("Thanks."));
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
    }));

  it("gives the calls of an answer, and knows it again when their ids are others", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home, { callAfter: 2 });
      const first = await rig.ask([rules, long], { tools: [look] });
      assert.equal(first.finishReason, "calls");
      const [call] = first.calls ?? [];
      assert.equal(call?.name, "look");
      const renamed = { id: "theirs", name: "look", arguments: { ...call?.arguments } };
      const back: ChatMessage = { role: "assistant", content: first.text, calls: [renamed] };
      const result: ChatMessage = { role: "tool", content: "a tree", call: "theirs", name: "look" };
      const second = await rig.ask([rules, long, back, result], { tools: [look] });
      assert.deepEqual(second.tokenIds, rig.expected("a tree").slice(0, second.tokenIds.length));
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
      assert.equal(rig.threads.status(1).recent[0]?.figures, second.figures);
      const none = await rig.ask([rules, long], { tools: [look], toolMode: "none" });
      assert.equal(none.calls, undefined);
    }));

  it("says what changed where everything is read again, and says it once when it always does", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const at = (time: string) => [system(`It is ${time}.\nYou answer questions about gardens.`), long];
      await rig.ask(at("10:41:07"), { conversation });
      const second = await rig.ask(at("10:42:19"), { conversation });
      const { departure } = second.figures;
      assert.deepEqual([departure?.before, departure?.now], ["…10:41:07.", "…10:42:19."]);
      assert.ok((departure?.atToken ?? 0) > 0 && (departure?.atToken ?? 0) >= second.figures.reusedTokens);
      for (const time of ["10:43:20", "10:44:21", "10:45:22", "10:46:23"]) await rig.ask(at(time), { conversation });
      const told = rig.logged.filter((line) => line.includes("the system prompt changes at token"));
      assert.equal(told.length, 1);
      assert.equal(rig.threads.status(1).recent[0]?.figures.departure?.now, "…10:46:23.");
    }));

  it("is compared with what earlier processes read too: the text that agrees longest tells what changed", () =>
    inFolder(async (home) => {
      const place = (first: string, last: string) => [
        system(`${first} ${"You answer questions about gardens. ".repeat(60)}${last}`),
        long,
      ];
      const before = new ThreadRig(home);
      await before.ask(place("Now:", "It rains."), { conversation });
      await before.threads.close();
      const rig = new ThreadRig(home);
      await rig.ask(place("Then:", "It rains."), { conversation });
      const { figures } = await rig.ask(place("Now:", "It snows."), { conversation });
      assert.ok(figures.reusedTokens > 100, `${figures.reusedTokens} tokens`);
      assert.deepEqual([figures.departure?.before, figures.departure?.now], ["…rains.<|im_end|>", "…snows.<|im_end|>"]);
      assert.ok((figures.departure?.atToken ?? 0) >= figures.reusedTokens);
      await rig.threads.close();
    }));

  it("stops within a step, and what was read stays", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home, { maxAnswerTokens: 64 });
      const text = "a long story of a garden ".repeat(40);
      const running = rig.start([rules, user(text)], { conversation });
      const reading = new Promise<void>((resolve) => {
        running.onEvent((event) => {
          if (event.type === "prefill" && event.done > 0) resolve();
        });
      });
      await reading;
      running.abort();
      const stopped = await running.done;
      assert.equal(stopped.finishReason, "aborted");
      assert.equal(rig.session.engine.hasWork, false);
      const computed = rig.runner.computedTokens;
      const again = await rig.ask([rules, user(text)], { conversation });
      assert.ok(again.figures.reusedTokens >= Math.min(stopped.figures.prefilledTokens, 500));
      assert.ok(rig.runner.computedTokens - computed <= again.figures.prefilledTokens + 64);

      const second = rig.start([rules, user(text), said(again), user("More.")], { conversation });
      const answering = new Promise<void>((resolve) => {
        second.onEvent((event) => {
          if (event.type === "text") resolve();
        });
      });
      await answering;
      second.abort();
      const cut = await second.done;
      assert.equal(cut.finishReason, "aborted");
      const third = await rig.ask([rules, user(text), said(again), user("More."), said(cut), user("Go on.")]);
      assert.ok(third.figures.reusedTokens >= cut.figures.promptTokens);
      rig.assertWhole();
    }));

  it("tells its story in order", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const running = rig.start([rules, long]);
      const events = record(running);
      const done = await running.done;
      const types = events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1]);
      assert.deepEqual([types[0], types.at(-1)], ["prefill", "done"]);
      const text = events.map((event) => (event.type === "text" ? event.text : "")).join("");
      assert.equal(text, done.text);
    }));
});

describe("a thread on disk", function () {
  this.timeout(20_000);

  it("is restored after a restart with the ids that were sampled", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home, { maxAnswerTokens: 12 });
      const first = await rig.ask([rules, long], { conversation });
      await rig.threads.close();
      assert.ok(rig.savedBytes > 0);

      const later = new ThreadRig(home, { maxAnswerTokens: 12 });
      const second = await later.ask([rules, long, said(first), user("And moss?")], { conversation });
      assert.deepEqual(second.tokenIds, later.expected("And moss?"));
      const asked = later.promptOf("And moss?");
      const before = Int32Array.from([...rig.promptOf(long.content), ...first.tokenIds]);
      assert.equal(second.figures.reusedTokens, Math.min(commonPrefix(asked, before), before.length - 1));
      assert.equal(second.figures.cache.tier, "warm");
      later.assertWhole();
    }));

  it("is saved after a pause, and another process finds what this one adds", () =>
    inFolder(async (home) => {
      const [one, other] = [new ThreadRig(home), new ThreadRig(home)];
      const first = await one.ask([rules, long], { conversation });
      await until(() => one.savedBytes > 0);
      const second = await other.ask([rules, long, said(first), user("And moss?")], { conversation });
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
      await until(() => other.savedBytes > 0);
      const messages = [rules, long, said(first), user("And moss?"), said(second), user("And ivy?")];
      const third = await one.ask(messages, { conversation });
      assert.deepEqual(third.tokenIds, one.expected("And ivy?"));
      assert.ok(third.figures.reusedTokens >= second.figures.promptTokens);
    }));

  it("is not written while it is short", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home, { longTokens: 1000 });
      await rig.ask([rules, long], { conversation });
      await rig.threads.close();
      assert.equal(rig.savedBytes, 0);
      await assert.rejects(readdir(path.join(home, "threads")), { code: "ENOENT" });
    }));

  it("is forgotten where its file is damaged, forged, or another's, and the request is answered all the same", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const first = await rig.ask([rules, long], { conversation });
      await rig.threads.close();
      const folder = path.join(home, "threads");
      const [name = ""] = await readdir(folder);
      const whole = await readFile(path.join(folder, name));
      const files = new ThreadFiles(folder, durableFiles);
      const body = '{"key":"k","day":"2026-11-30","answers":[{"parent":7}]}';
      const forgeries: readonly (() => Promise<unknown>)[] = [
        () => writeFile(path.join(folder, name), whole.subarray(0, -9)),
        () => writeFile(path.join(folder, name), "nothing of ours"),
        () => files.write(name.replace(".thread", ""), { keys: [], blockBytes: 1, body }),
        () => files.write(name.replace(".thread", ""), { keys: [], blockBytes: 1, body: "[".repeat(5000) }),
      ];
      for (const forge of forgeries) {
        await forge();
        const later = new ThreadRig(home, { longTokens: 1e6 });
        const messages = [rules, long, said(first), user("And moss?")];
        const second = await later.ask(messages, { conversation });
        assert.deepEqual(second.tokenIds, later.expected("And moss?"));
        // Full blocks are found by their content.
        assert.ok(second.figures.reusedTokens >= first.figures.promptTokens - 4);
        assert.deepEqual(await readdir(folder), []);
        await later.threads.close();
      }
    }));

  it("says which blocks are gone, and reads them again", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const first = await rig.ask([rules, long], { conversation });
      await rig.threads.close();
      await rm(path.join(home, "store"), { recursive: true });
      const later = new ThreadRig(home);
      const second = await later.ask([rules, long, said(first), user("And moss?")], { conversation });
      assert.equal(second.figures.reusedTokens, 0);
      assert.equal(second.figures.cache.refused?.code, "missing");
      assert.deepEqual(second.tokenIds, later.expected("And moss?"));
      await later.threads.close();
    }));

  it("keeps answering while nothing can be written, and saves when it can", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      rig.disk.full = true;
      const first = await rig.ask([rules, long], { conversation });
      await until(() => rig.logged.some((line) => line.includes("DISK_FULL")));
      assert.equal(rig.savedBytes, 0);
      rig.disk.full = false;
      const second = await rig.ask([rules, long, said(first), user("And moss?")], { conversation });
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
      await rig.threads.close();
      assert.ok(rig.savedBytes > 0);
    }));

  it("names its blocks as long as its file is there", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      await rig.ask([rules, long], { conversation });
      const keys = rig.session.engine.pool.blockTokens;
      assert.ok(keys > 0);
      await rig.threads.close();
      const { storedKeys } = await objectsOf(home);
      const before = await rig.references.read();
      assert.ok(storedKeys.length > 0);
      assert.ok(storedKeys.every((key) => before.isReferenced(key)));
      assert.equal(before.numAgents, 0);
      await rig.threads.forget();
      const after = await rig.references.read();
      assert.ok(storedKeys.every((key) => !after.isReferenced(key)));
    }));
});

describe("short requests of other programs", function () {
  this.timeout(20_000);

  it("are answered, and keep no cache", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const title = await rig.ask([user("A title for: gardens")]);
      assert.deepEqual(title.tokenIds, rig.expected("A title for: gardens"));
      const { count, bytes, recent } = rig.threads.status(1);
      assert.deepEqual([count, bytes, recent[0]?.isShort], [0, 0, true]);
      assert.equal(rig.session.engine.pool.referencedBlocks, 0);
    }));

  it("become a conversation when they go on", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const first = await rig.ask([user("Hello there")]);
      const second = await rig.ask([user("Hello there"), said(first), user("Go on")]);
      assert.equal(rig.threads.status(1).recent[0]?.isShort, false);
      assert.ok(second.figures.reusedTokens > 0);
    }));

  it("never take a conversation's blocks: they wait", () =>
    inFolder(async (home) => {
      // Room for the conversation and little else.
      const rig = new ThreadRig(home, { totalBlocks: 96, caches: { poolShare: 1 } });
      const story = user("an old oak in a garden ".repeat(11));
      const first = await rig.ask([rules, story], { conversation });
      const held = rig.threads.status(1).bytes;
      assert.ok(held > 80 && held < 92, `${held} blocks are held`);
      const titles = Array.from({ length: 8 }, (_, index) => rig.ask([user(`title ${index}`)]));
      await Promise.all(titles);
      const { bytes, recent } = rig.threads.status(1);
      assert.equal(bytes, held);
      assert.equal(recent.filter(({ isShort }) => isShort).length, 8);
      const second = await rig.ask([rules, story, said(first), user("More?")], { conversation });
      assert.ok(second.figures.reusedTokens >= first.figures.promptTokens);
      rig.assertWhole();
    }));
});

describe("bad requests of other programs", function () {
  this.timeout(20_000);

  const call = { id: "c1", name: "look", arguments: { at: 1 } };
  const called: ChatMessage = { role: "assistant", content: "", calls: [call] };
  const result: ChatMessage = { role: "tool", content: "a tree", call: "c1", name: "look" };
  const cases: readonly (readonly [string, readonly ChatMessage[], RegExp])[] = [
    ["no messages", [], /no messages/],
    ["only instructions", [rules], /instructions only/],
    ["an empty message", [rules, user(" \n")], /empty/],
    ["an answer at the end", [long, { role: "assistant", content: "Yes" }], /nothing to answer/],
    ["two calls of one id", [long, { ...called, calls: [call, call] }, result], /message 2 has two calls of one id/],
    ["a result of no call", [long, result], /message 2 is the result of a call/],
    ["two results of one call", [long, called, result, result], /message 4 is a second result/],
  ];
  for (const [name, messages, reason] of cases) {
    it(`refuses ${name}, without a model`, () =>
      inFolder(async (home) => {
        const rig = new ThreadRig(home);
        const running = rig.start(messages);
        const told = record(running);
        await assert.rejects(running.done, { code: "INVALID_REQUEST", message: reason });
        assert.deepEqual(
          told.map(({ type }) => type),
          ["failed"],
        );
        assert.equal(rig.heldLeases, 0);
      }));
  }

  it("refuses two tools of one name, and a name that nobody can call", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      await assert.rejects(rig.ask([long], { tools: [look, look] }), { code: "INVALID_REQUEST" });
      await assert.rejects(rig.ask([long], { tools: [{ ...look, name: "look at" }] }), { code: "INVALID_REQUEST" });
    }));

  it("refuses calls whose arguments are no data, and keeps nothing of them", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const cyclic: Record<string, unknown> = {};
      cyclic["self"] = cyclic;
      let deep: Record<string, unknown> = {};
      for (let level = 0; level < 20_000; level += 1) deep = { deep };
      for (const given of [cyclic, deep, { big: 1n }]) {
        const answer: ChatMessage = { ...called, calls: [{ ...call, arguments: given }] };
        await assert.rejects(rig.ask([long, answer, result]), { code: "INVALID_REQUEST", message: /arguments/ });
      }
      assert.equal(rig.threads.status(1).count, 0);
      assert.equal(rig.heldLeases, 0);
    }));

  it("refuses a model that is not there", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      await assert.rejects(rig.ask([long], { modelDirectory: "/nowhere" }), { code: "MODEL_NOT_FOUND" });
    }));

  it("refuses what is longer than the context or the pool, with both numbers and what to raise", () =>
    inFolder(async (home) => {
      const text = "a story ".repeat(100);
      const short = new ThreadRig(home, { contextTokens: 256 });
      await assert.rejects(short.ask([user(text)]), { code: "CONTEXT_FULL", message: /7\d\d tokens long .* 256/ });
      const small = new ThreadRig(home, { totalBlocks: 16 });
      await assert.rejects(small.ask([user(text)]), {
        code: "POOL_EXHAUSTED",
        message: /holds 64.*resident\.pool\.sizeMB/,
      });
      assert.equal(small.threads.status(1).count, 0);
      small.assertWhole();
    }));

  it("passes on why the template refuses the messages", () =>
    inFolder(async (home) => {
      const template =
        "{% for m in messages %}{% if m['role'] == 'assistant' %}{{ raise_exception('it takes one question only') }}" +
        "{% endif %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}";
      const rig = new ThreadRig(home, { template });
      const messages: readonly ChatMessage[] = [user("One"), { role: "assistant", content: "Yes" }, user("Two")];
      await assert.rejects(rig.ask(messages), { code: "INVALID_REQUEST", message: /it takes one question only/ });
      assert.equal(rig.heldLeases, 0);
    }));

  it("reads ten megabytes in slices, can be stopped meanwhile, and refuses them with their size", () =>
    inFolder(async (home) => {
      const rig = new ThreadRig(home);
      const text = "0123456789abcde\n".repeat(640 * 1024);
      const stopped = rig.start([rules, user(text)]);
      let turns = 0;
      const spin = setInterval(() => {
        turns += 1;
      }, 1);
      setTimeout(() => stopped.abort(), 30);
      assert.equal((await stopped.done).finishReason, "aborted");
      await assert.rejects(rig.ask([rules, user(text)]), { code: "CONTEXT_FULL", message: /10,4\d\d,\d\d\d tokens/ });
      clearInterval(spin);
      assert.ok(turns > 20);
      assert.equal(rig.threads.status(1).count, 0);
    }));
});

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 1) {
    if (waited > 400) throw new Error("it does not happen");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Keys in the names of the store's objects. */
async function objectsOf(home: string) {
  const names = await readdir(path.join(home, "store"), { recursive: true });
  const storedKeys = names
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => path.basename(name, ".safetensors"));
  return { storedKeys };
}
