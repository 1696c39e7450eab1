import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import type { Attachment } from "../../../../src/common/attachments";
import { Emitter } from "../../../../src/common/events";
import type { AgentFiles } from "../../../../src/extension/files/agentFiles";
import { ChatFiles, isFilesCommand } from "../../../../src/extension/files/chatFiles";
import { digestOf } from "../../../../src/extension/files/digest";
import { type DraftFile, refusedFile } from "../../../../src/extension/files/draftFiles";
import { KeptDraftFiles } from "../../../../src/extension/files/keptDraftFiles";
import type { ChatToPage } from "../../../../src/protocol/chat";
import type { FoundFile } from "../../../../src/protocol/chatFiles";
import type { ServiceEvent } from "../../../../src/protocol/service";
import { FakeService } from "../../../support/extension/fakeService";

const file = (path: string, text = path): DraftFile => ({ kind: "file", path, digest: digestOf(text), text });

/** A chat's files over files and a core of memory. */
async function newChat() {
  const service = new FakeService();
  const { id } = await service.createAgent({ name: "Ada" });
  const texts = new Map<string, string>();
  const drafts = new KeptDraftFiles(
    { get: () => undefined, update: async () => {} },
    {
      put: async ({ digest, text }) => void texts.set(digest, text),
      get: async (digest) => texts.get(digest),
      keepOnly: async () => {},
    },
    { onEvent: new Emitter<ServiceEvent>().event },
    (error) => assert.fail(String(error)),
  );
  const searches = new Map<string, (found: readonly FoundFile[]) => void>();
  const opened: unknown[] = [];
  let told: readonly Attachment[] = [];
  const files = {
    drafts,
    door: async () => service,
    changes: async () => told,
    attach: async (what: string) => [file(`by ${what}`)],
    attaching: {
      named: async (names: readonly { readonly name: string }[]) =>
        names.map(({ name }) => (name.endsWith(".png") ? refusedFile("file", name, "It is an image.") : file(name))),
    },
    workspace: {
      find: (query: string) => new Promise<readonly FoundFile[]>((resolve) => searches.set(query, resolve)),
    },
    opening: {
      draft: async (...arguments_: readonly unknown[]) => void opened.push(arguments_.slice(1)),
      sent: async (...arguments_: readonly unknown[]) => void opened.push(arguments_.slice(1)),
    },
    pinned: {
      use: () => ({ dispose: () => {} }),
      onChange: new Emitter<string>().event,
      onTold: new Emitter<string>().event,
      state: async () => ({ files: [] }),
    },
  };
  const posted: ChatToPage[] = [];
  let changes = 0;
  const chat = new ChatFiles(id, {
    files: files as unknown as AgentFiles,
    page: { live: true, post: (update) => posted.push(update) },
    onChange: () => {
      changes += 1;
    },
    onError: (error) => assert.fail(String(error)),
  });
  const chips = async () => {
    await setImmediate();
    await setImmediate();
    const last = posted.filter((update) => update.type === "attachments").at(-1);
    return last?.attachments.map(({ path, tokens }) => (tokens === undefined ? path : `${path} ${tokens}`));
  };
  const paths = async (instead?: string) => (await chat.forMessage(instead)).map(({ path }) => path);
  return {
    ...{ service, id, chat, posted, chips, paths, searches, opened, drafts },
    changes: () => changes,
    tell: (attachments: readonly Attachment[]) => {
      told = attachments;
    },
  };
}

const change: Attachment = { kind: "change", path: "pinned.ts", digest: digestOf("+x"), text: "+x" };

describe("files in a chat, on the host's side", () => {
  it("are attached in every way, shown with their tokens, and taken away", async () => {
    const { chat, chips, paths, changes } = await newChat();
    await chat.run({ type: "attach", what: "selection" });
    await chat.run({ type: "attachPaths", paths: ["file:///a.ts\r\nb.png", "c.ts"] });
    await chat.run({ type: "attachFound", path: "d.ts" });
    // The core of the test has a token for each letter.
    assert.deepEqual(await chips(), ["by selection 12", "file:///a.ts 12", "b.png", "c.ts 4", "d.ts 4"]);
    assert.deepEqual(await paths(), ["by selection", "file:///a.ts", "c.ts", "d.ts"]);
    const before = changes();
    await chat.run({ type: "detach", index: 2 });
    await chat.run({ type: "detach", index: 0 });
    assert.deepEqual(await chips(), ["file:///a.ts 12", "c.ts 4", "d.ts 4"]);
    assert.equal(changes(), before + 2, "each change is read ahead");
  });

  it("go with the message behind what the pinned files tell, and come back with it", async () => {
    const { chat, chips, paths, tell, changes } = await newChat();
    await chat.add([file("a.ts")]);
    tell([change]);
    assert.deepEqual(await paths(), ["pinned.ts", "a.ts"]);
    assert.deepEqual((await chat.ahead()).length, 2);
    const before = changes();
    const taken = await chat.take();
    assert.equal(changes(), before, "what was read ahead of the message stays until it is sent");
    assert.deepEqual(await paths(), ["pinned.ts"]);
    await chat.add([file("b.ts")]);
    await chat.giveBack(taken);
    assert.deepEqual(await chips(), ["a.ts 4", "b.ts 4"]);
  });

  it("of an edited message are those it had, apart from the draft's, which are there again after it", async () => {
    const { service, id, chat, chips, paths, drafts } = await newChat();
    const sent = [change, file("sent.ts", "as it was sent")];
    const running = service.send(id, { text: "Look", attachments: sent });
    service.answerOf(id).answer("yes");
    await (await running).done;
    const { turns } = await service.getAgent(id);
    const turn = turns[0]?.id ?? "";
    chat.shown(turns);
    await chat.add([file("draft.ts")]);
    await chat.run({ type: "editing", turn });
    assert.deepEqual(await chips(), ["sent.ts 14"]);
    await chat.add([file("more.ts")]);
    assert.deepEqual(await paths(turn), ["sent.ts", "more.ts"]);
    assert.deepEqual(await chat.ahead(), [], "it does not follow the head");
    assert.deepEqual(
      (await drafts.get(id)).map(({ path }) => path),
      ["draft.ts"],
    );
    await chat.run({ type: "editing" });
    assert.deepEqual(await chips(), ["draft.ts 8"]);
    await chat.run({ type: "editing", turn });
    const taken = await chat.take(turn);
    assert.deepEqual(await chips(), ["draft.ts 8"]);
    await chat.giveBack(taken);
    assert.deepEqual(await chips(), ["sent.ts 14"]);
    await chat.run({ type: "editing" });
    assert.deepEqual(await paths(turn), ["sent.ts"], "a page that was loaded again goes on editing");
  });

  it("of an edited message go with it, also where they are still being fetched to be measured", async () => {
    const { service, id, chat, chips, paths } = await newChat();
    const running = service.send(id, { text: "Look", attachments: [file("sent.ts")] });
    service.answerOf(id).answer("yes");
    await (await running).done;
    const { turns } = await service.getAgent(id);
    const turn = turns[0]?.id ?? "";
    chat.shown(turns);
    const measured = paths(turn);
    const taken = chat.take(turn);
    await Promise.all([measured, taken]);
    assert.deepEqual((await chips()) ?? [], []);
    assert.deepEqual(await paths(), []);
  });

  it("are searched, and only the last query is answered", async () => {
    const { chat, posted, searches } = await newChat();
    const first = chat.run({ type: "findFiles", query: "a", serial: 1 });
    const second = chat.run({ type: "findFiles", query: "ab", serial: 2 });
    searches.get("ab")?.([{ path: "ab.ts", isFolder: false }]);
    searches.get("a")?.([{ path: "a.ts", isFolder: false }]);
    await Promise.all([first, second]);
    assert.deepEqual(posted, [{ type: "foundFiles", serial: 2, files: [{ path: "ab.ts", isFolder: false }] }]);
  });

  it("are opened from the draft and from sent messages", async () => {
    const { chat, opened } = await newChat();
    await chat.add([file("a.ts")]);
    await chat.run({ type: "openAttachment", index: 0 });
    const view = { kind: "file", path: "b.ts", digest: "d", length: 4 } as const;
    chat.shown([{ id: "t1", user: "x", answer: "", state: "done", createdAt: 0, attachments: [view] }]);
    await chat.run({ type: "openAttachment", turn: "t1", index: 0 });
    assert.deepEqual(opened, [
      [file("a.ts"), 0],
      ["t1", view, 0],
    ]);
  });

  it("are told apart from the other messages of a page", () => {
    assert(isFilesCommand({ type: "pinFiles" }));
    assert(!isFilesCommand({ type: "stop" }));
  });
});
