import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { createFormats } from "../../../../src/common/format";
import { silentLog } from "../../../../src/common/log";
import { ServiceHandle } from "../../../../src/extension/engine/serviceHandle";
import { type ChatModelInformation, chatRoles } from "../../../../src/extension/languageModels/chatApi";
import { ResidentChatProvider } from "../../../../src/extension/languageModels/chatProvider";
import { RememberedModels } from "../../../../src/extension/languageModels/rememberedModels";
import type { ChatModel } from "../../../../src/protocol/service";
import {
  dataPart,
  FakeToken,
  fakeParts,
  LanguageModelError,
  said,
  told,
} from "../../../support/extension/fakeChatHost";
import { FakeMemory } from "../../../support/extension/fakeMemory";
import { FakeService, figures, model } from "../../../support/extension/fakeService";
import { inFolder } from "../../../support/store/fakes";

const chatModel: ChatModel = {
  directory: model.directory,
  name: model.name,
  family: "llama",
  maxInputTokens: 6144,
  maxOutputTokens: 2048,
  takesTools: true,
};

const hello = [said(chatRoles.user, "Hello")];

/** Tells of a write. */
class ToldMemory extends FakeMemory {
  private written: (() => void) | undefined;

  override async update(key: string, value: unknown): Promise<void> {
    await super.update(key, value);
    this.written?.();
  }

  /** Resolves at the next write. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.written = resolve;
    });
  }
}

function rig(memory = new ToldMemory(), modelsFolder = "no such folder") {
  const made: FakeService[] = [];
  const notes: unknown[] = [];
  const service = new ServiceHandle(async () => {
    const fake = new FakeService();
    fake.chatModelList = [chatModel];
    made.push(fake);
    return fake;
  }, silentLog);
  const provider = () =>
    new ResidentChatProvider({
      service,
      parts: fakeParts,
      formats: () => createFormats("en"),
      remembered: new RememberedModels(memory, modelsFolder, (error) => notes.push(error)),
      note: (error) => notes.push(error),
    });
  const fake = () => {
    const newest = made.at(-1);
    assert(newest, "the service was not started");
    return newest;
  };
  return { service, provider, fake, made, notes };
}

async function modelOf(provider: ResidentChatProvider): Promise<ChatModelInformation> {
  const [first] = await provider.provideLanguageModelChatInformation({ silent: true });
  assert(first);
  return first;
}

function request(
  provider: ResidentChatProvider,
  of: ChatModelInformation,
  options: Parameters<ResidentChatProvider["provideLanguageModelChatResponse"]>[2] = {},
  messages = hello,
) {
  const reported: object[] = [];
  const token = new FakeToken();
  const progress = { report: (part: object) => reported.push(part) };
  const answered = provider.provideLanguageModelChatResponse(of, messages, options, progress, token);
  answered.catch(() => {}); // the test looks at it later
  return { answered, reported, token };
}

/** The request that came last, once it is there. */
async function arrived(fake: FakeService, count = 1) {
  for (let i = 0; i < 100 && fake.chats.length < count; i++) await new Promise((resolve) => setImmediate(resolve));
  const chat = fake.chats.at(-1);
  assert(chat && fake.chats.length === count, `${fake.chats.length} requests came, not ${count}`);
  return chat;
}

async function failure(answered: Promise<void>): Promise<Error> {
  try {
    await answered;
  } catch (error) {
    assert.ok(error instanceof Error);
    return error;
  }
  throw new Error("it did not fail");
}

describe("Resident's models in VS Code's chat", () => {
  it("are listed with their sizes, and nothing is loaded for that", async () => {
    const { provider, fake } = rig();
    const listed = await modelOf(provider());
    assert.deepEqual([listed.name, listed.maxInputTokens, listed.detail], [model.name, 6144, "4-bit · 93.5 MB"]);
    assert.equal(fake().chats.length, 0);
  });

  it("are none where the core cannot start: silently, or in words", async () => {
    const notes: unknown[] = [];
    const service = new ServiceHandle(() => Promise.reject(new Error("no thread")), silentLog);
    const note = (error: unknown) => notes.push(error);
    const remembered = new RememberedModels(new ToldMemory(), "no such folder", note);
    const ports = { service, parts: fakeParts, formats: () => createFormats("en"), remembered, note };
    const provider = new ResidentChatProvider(ports);
    assert.deepEqual(await provider.provideLanguageModelChatInformation({ silent: true }), []);
    assert.equal(notes.length, 1);
    await assert.rejects(provider.provideLanguageModelChatInformation({ silent: false }), /No thread\./);
  });

  it("answer: the request goes to the core as it is, the answer comes in parts", async () => {
    const { provider: make, fake } = rig();
    const provider = make();
    const options = {
      modelOptions: { temperature: 0, _conversationId: "chat-1", _otelTraceContext: null },
      tools: [{ name: "weather", description: "Tells it" }],
      toolMode: 2,
    };
    const { answered, reported } = request(provider, await modelOf(provider), options);
    const { request: sent, running } = await arrived(fake());
    assert.deepEqual(sent, {
      modelDirectory: model.directory,
      messages: [{ role: "user", content: "Hello" }],
      tools: [{ name: "weather", description: "Tells it", parameters: { type: "object", properties: {} } }],
      toolMode: "required",
      sampling: { temperature: 0 },
      conversation: "chat-1",
    });
    running.answer("Hi", " there");
    await answered;
    assert.deepEqual(told(reported), [
      "text Hi there",
      'usage {"prompt_tokens":30,"completion_tokens":2,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":20}}',
    ]);
  });

  it("answer again after the provider was made anew, for a model that the host remembers", async () => {
    const { provider: make, fake } = rig();
    const first = make();
    const remembered = await modelOf(first);
    first.dispose();
    const { answered } = request(make(), remembered);
    (await arrived(fake())).running.answer("Hi");
    await answered;
  });

  it("stop within the step when the request is cancelled, and report nothing more", async () => {
    const { provider: make, fake } = rig();
    const provider = make();
    const { answered, reported, token } = request(provider, await modelOf(provider));
    const { running } = await arrived(fake());
    running.play({ type: "text", text: "Once", figures });
    token.cancel();
    assert.equal(running.aborted, true);
    await answered;
    assert.deepEqual(told(reported), []);
  });

  it("do not even begin when the request is cancelled at once", async () => {
    const { provider: make, fake } = rig();
    const provider = make();
    const of = await modelOf(provider);
    const { answered, token } = request(provider, of);
    token.cancel();
    await answered;
    assert.equal(fake().chats.length, 0);
  });

  it("say in words why there is no answer, after what came before", async () => {
    const { provider: make, fake, notes } = rig();
    const provider = make();
    const { answered, reported } = request(provider, await modelOf(provider));
    const { running } = await arrived(fake());
    running.play({ type: "text", text: "Once", figures });
    const facts = { needed: 9001, context: 4096 };
    const error = { code: "CONTEXT_FULL", what: "too long", advice: "shorten it", facts } as const;
    running.play({ type: "failed", error });
    const failed = await failure(answered);
    assert.ok(failed instanceof LanguageModelError);
    assert.equal(failed.code, "CONTEXT_FULL");
    assert.match(failed.message, /9,000 tokens.*4,096\..*Start a new chat/);
    assert.deepEqual(told(reported), ["text Once"]);
    assert.equal(notes.length, 1);
  });

  it("refuse images before anything starts, and say that a model is gone", async () => {
    const { provider: make, fake } = rig();
    const provider = make();
    const of = await modelOf(provider);
    const image = [said(chatRoles.user, "Look", dataPart("x", "image/png"))];
    assert.match((await failure(request(provider, of, {}, image).answered)).message, /has an image/);
    assert.equal(fake().chats.length, 0);
    fake().chatModelList = [];
    await provider.provideLanguageModelChatInformation({ silent: true });
    const gone = await failure(request(provider, of).answered);
    assert.match(gone.message, /SmolLM2-135M-Instruct is not here any more\. Choose another model/);
  });

  it("refuse tools that their template has no place for, with the reason", async () => {
    const { provider: make, service, fake } = rig();
    await service.get();
    const whyNoTools = "its chat template has no place for tools";
    fake().chatModelList = [{ ...chatModel, takesTools: false, whyNoTools }];
    const provider = make();
    const of = await modelOf(provider);
    const { message } = await failure(request(provider, of, { tools: [{ name: "weather" }] }).answered);
    assert.match(message, /SmolLM2-135M-Instruct takes no tools: its chat template has no place for tools\. Choose/);
    assert.equal(fake().chats.length, 0);
    const { answered } = request(provider, of, { tools: [] });
    (await arrived(fake())).running.answer("Hi");
    await answered;
  });

  it("count the tokens of texts and of messages", async () => {
    const { provider: make } = rig();
    const provider = make();
    const of = await modelOf(provider);
    assert.equal(await provider.provideTokenCount(of, "Hello"), 5);
    assert.equal(await provider.provideTokenCount(of, said(chatRoles.user, "Hello", " there")), 11);
    assert.equal(await provider.provideTokenCount(of, ""), 0);
    await assert.rejects(provider.provideTokenCount(of, "x".repeat(5_000_000)), /5,000,000 characters.*4,194,304/);
    assert.equal(await provider.provideTokenCount(of, said(chatRoles.user, dataPart("ephemeral", "cache_control"))), 0);
  });

  it("tell the host of a change once, and only where there is one", async () => {
    const { provider: make, fake } = rig();
    const provider = make();
    let changes = 0;
    provider.onDidChangeLanguageModelChatInformation(() => changes++);
    await modelOf(provider);
    const settled = () => new Promise((resolve) => setTimeout(resolve, 350));
    fake().fire({ type: "engine", state: { type: "idle" } });
    await settled();
    assert.equal(changes, 0);
    fake().chatModelList = [{ ...chatModel, maxInputTokens: 4096 }];
    fake().fire({ type: "engine", state: { type: "idle" } });
    fake().fire({ type: "models" });
    await settled();
    assert.equal(changes, 1);
    provider.dispose();
    fake().chatModelList = [];
    fake().fire({ type: "models" });
    await settled();
    assert.equal(changes, 1);
  });

  it("come into the list of a host that has not asked for them, once the engine is in use", async () => {
    const { provider: make, service, fake } = rig();
    const provider = make();
    let changes = 0;
    provider.onDidChangeLanguageModelChatInformation(() => changes++);
    await service.get();
    assert.equal(changes, 0);
    fake().fire({ type: "engine", state: { type: "idle" } });
    await new Promise((resolve) => setTimeout(resolve, 350));
    assert.equal(changes, 1);
  });

  it("are those of last time when VS Code starts: no core runs for the list, and a chat can begin with it", async () => {
    const memory = new ToldMemory();
    const before = rig(memory);
    const written = memory.next();
    const listed = await before.provider().provideLanguageModelChatInformation({ silent: true });
    await written;
    const { provider: make, made, fake } = rig(memory);
    const provider = make();
    let changes = 0;
    provider.onDidChangeLanguageModelChatInformation(() => changes++);
    provider.announce();
    assert.equal(changes, 1);
    const [first] = await provider.provideLanguageModelChatInformation({ silent: true });
    assert.deepEqual([first], JSON.parse(JSON.stringify(listed)));
    assert.equal(made.length, 0);
    assert(first);
    const { answered } = request(provider, first);
    await new Promise((resolve) => setImmediate(resolve));
    (await arrived(fake())).running.answer("Hi");
    await answered;
  });

  it("are looked for again when a folder has come to those of last time", () =>
    inFolder(async (folder) => {
      const memory = new ToldMemory();
      const before = rig(memory, folder);
      const written = memory.next();
      await modelOf(before.provider());
      await written;
      const same = rig(memory, folder);
      await modelOf(same.provider());
      assert.equal(same.made.length, 0);
      await mkdir(path.join(folder, "another model"));
      const { provider, made } = rig(memory, folder);
      await modelOf(provider());
      assert.equal(made.length, 1);
    }));

  it("are looked for again when somebody asks again, and what is remembered in a form unknown here is not offered", async () => {
    const memory = new ToldMemory();
    await memory.update("resident.chatModels", { folders: "", models: [{ id: "other", name: "Other" }] });
    const { provider: make, made } = rig(memory);
    const written = memory.next();
    assert.equal((await modelOf(make())).name, model.name);
    assert.equal(made.length, 1);
    await written;
    const next = rig(memory);
    const provider = next.provider();
    await modelOf(provider);
    assert.equal(next.made.length, 0);
    await modelOf(provider);
    assert.equal(next.made.length, 1);
  });

  it("start no core to look for changes", async () => {
    const { provider: make, service, made } = rig();
    const provider = make();
    await modelOf(provider);
    await service.restart(1000);
    await new Promise((resolve) => setTimeout(resolve, 350));
    assert.equal(made.length, 1);
    assert.ok(provider);
  });
});
