import assert from "node:assert/strict";
import type { PinnedFile } from "../../../../src/common/attachments";
import { ResidentError } from "../../../../src/common/errors";
import { AgentPins } from "../../../../src/extension/files/agentPins";
import { changeNotes } from "../../../../src/extension/files/changeText";
import { digestOf } from "../../../../src/extension/files/digest";
import { type FileReading, refusals, textReading } from "../../../../src/extension/files/fileReading";
import { haveSameFiles, pinnedFileState } from "../../../../src/extension/files/pinChips";
import { PinSources } from "../../../../src/extension/files/pinSources";
import type { AgentSummary } from "../../../../src/protocol/service";
import { FakeService } from "../../../support/extension/fakeService";

const lines = (name: string, count = 400) => Array.from({ length: count }, (_, index) => `${name} ${index}\n`).join("");

/** An agent over a core of memory, and files that the test writes. */
async function newPins() {
  const service = new FakeService();
  const { id } = await service.createAgent({ name: "Ada" });
  const files = new Map<string, FileReading>();
  const write = (path: string, text: string) => files.set(`file:///${path}`, textReading(text, 1));
  const errors: unknown[] = [];
  const sources = new PinSources({ get: () => undefined, update: async () => {} }, (error) => errors.push(error));
  const core = {
    sets: [] as (readonly PinnedFile[])[],
    warmed: 0,
    texts: new Map<string, string>(),
    told: new Map<string, string>(),
    busy: false,
  };
  const saves = new Map<string, number>();
  const heard = { changes: 0, tells: 0 };
  let read = 0;
  let share = 0.2;
  const summaryNow = (): Promise<AgentSummary> => service.getAgent(id, 1);
  const open = () =>
    new AgentPins(id, {
      door: async () => ({
        setPinnedFiles: async (_agent, pinned) => {
          if (core.busy) throw new ResidentError("AGENT_BUSY", "it answers", "wait");
          core.sets.push(pinned);
          for (const { path, text } of pinned) core.texts.set(path, text);
          const views = pinned.map(({ path, digest, text }) => ({ path, digest, length: text.length, tokens: 9 }));
          return service.change(id, { files: views });
        },
        warmAgent: async () => {
          core.warmed += 1;
          return service.change(id, { filesRead: { reused: 100, prefilled: 412 } });
        },
        pinnedText: async (_agent, path) => core.texts.get(path) ?? assert.fail(`${path} is not pinned`),
        toldChanges: async () => [...core.told].map(([path, digest]) => ({ path, digest })),
      }),
      read: async (file) => {
        read += 1;
        return files.get(file) ?? { is: "missing" };
      },
      sources,
      locate: async (path) => (files.has(`file:///${path}`) ? `file:///${path}` : undefined),
      rankOf: (file) => ({ saves: saves.get(file ?? "") ?? 0, changedAt: 0 }),
      renewShare: () => share,
      onChange: () => {
        heard.changes += 1;
      },
      onTold: () => {
        heard.tells += 1;
      },
      onError: (error) => errors.push(error),
    });
  const pins = open();
  pins.see(await summaryNow());
  const wish = (path: string) => ({ path, file: `file:///${path}` });
  const pin = (...paths: readonly string[]) => pins.pin(paths.map(wish));
  const save = async (path: string, text: string, of = pins) => {
    write(path, text);
    of.touched(`file:///${path}`);
    await of.settled();
  };
  const state = (of = pins) => pinnedFileState(of, []);
  const shown = (of = pins) => state(of).files.map(({ path, state: is }) => `${path} ${is}`);
  return {
    ...{
      service,
      id,
      pins,
      files,
      write,
      core,
      saves,
      errors,
      open,
      pin,
      save,
      state,
      shown,
      summaryNow,
      heard,
      sources,
    },
    reads: () => read,
    setShare: (value: number) => {
      share = value;
    },
  };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("the pinned files of an agent", () => {
  it("are read once in the background, the restless ones last", async () => {
    const { write, saves, pin, core, shown, errors, state } = await newPins();
    for (const path of ["a.ts", "b.ts", "c.ts"]) write(path, lines(path));
    saves.set("file:///a.ts", 5);
    await pin("a.ts", "b.ts", "c.ts");
    assert.deepEqual(
      core.sets.map((set) => set.map(({ path }) => path)),
      [["b.ts", "c.ts", "a.ts"]],
    );
    await nextTurn();
    assert.deepEqual([core.warmed, errors], [1, []]);
    assert.deepEqual(shown(), ["b.ts read", "c.ts read", "a.ts read"]);
    assert.equal(state().tokens, 27);
  });

  it("stay in their place when others come, which stand behind them", async () => {
    const { write, saves, pin, core } = await newPins();
    for (const path of ["a.ts", "b.ts"]) write(path, lines(path));
    saves.set("file:///a.ts", 5);
    await pin("a.ts");
    await pin("b.ts", "a.ts");
    assert.deepEqual(
      core.sets.at(-1)?.map(({ path }) => path),
      ["a.ts", "b.ts"],
    );
  });

  it("that change a little are told by the next message as a diff, and nothing is read again", async () => {
    const { write, pin, save, core, pins, shown } = await newPins();
    for (const path of ["a.ts", "b.ts"]) write(path, lines(path));
    await pin("a.ts", "b.ts");
    assert.deepEqual(await pins.changes(), []);
    await save("a.ts", lines("a.ts").replace("a.ts 20", "a.ts twenty"));
    const [change, ...more] = await pins.changes();
    assert.deepEqual(more, []);
    assert.match(change?.text ?? "", /^--- a\.ts\n\+\+\+ a\.ts\n@@ [^@]* @@\n[\s\S]*-a\.ts 20\n\+a\.ts twenty\n/);
    assert.deepEqual([change?.kind, change?.path, change?.digest], ["change", "a.ts", digestOf(change?.text ?? "")]);
    assert.deepEqual(shown(), ["a.ts changed", "b.ts read"]);
    assert.equal(core.sets.length, 1, "nothing was pinned anew");
  });

  it("are told once, also after a rewind and in another window, and again when they change again", async () => {
    const { write, pin, save, core, pins, open, summaryNow, shown } = await newPins();
    write("a.ts", lines("a.ts"));
    await pin("a.ts");
    await save("a.ts", lines("a.ts").replace("a.ts 2\n", ""));
    const [first] = await pins.changes();
    core.told.set("a.ts", first?.digest ?? "");
    assert.deepEqual(shown(), ["a.ts changed"]);
    assert.deepEqual(await pins.changes(), []);
    assert.deepEqual(shown(), ["a.ts read"], "there is nothing left to tell");
    const other = open();
    other.see(await summaryNow());
    assert.deepEqual(await other.changes(), []);
    core.told.clear(); // the message that told it is not on this branch
    assert.deepEqual(await pins.changes(), [first]);
    core.told.set("a.ts", first?.digest ?? "");
    await save("a.ts", lines("a.ts").replace("a.ts 3\n", ""));
    const [second] = await pins.changes();
    assert.notEqual(second?.digest, first?.digest);
    core.told.set("a.ts", second?.digest ?? "");
    await save("a.ts", lines("a.ts"));
    assert.deepEqual(
      (await pins.changes()).map(({ text }) => text),
      [changeNotes.asPinned],
    );
    core.told.set("a.ts", digestOf(changeNotes.asPinned));
    assert.deepEqual(await pins.changes(), []);
  });

  it("that change much are read anew, from the first change on, and what it took is said", async () => {
    const { write, pin, save, core, state, shown } = await newPins();
    for (const path of ["a.ts", "b.ts", "c.ts"]) write(path, lines(path));
    await pin("a.ts", "b.ts", "c.ts");
    await save("b.ts", lines("new"));
    assert.deepEqual(
      core.sets.map((set) => set.map(({ path }) => path)),
      [
        ["a.ts", "b.ts", "c.ts"],
        ["a.ts", "b.ts", "c.ts"],
      ],
    );
    await nextTurn();
    assert.deepEqual(state().renewed, { changed: 1, of: 3, tokensRead: 412 });
    assert.deepEqual(shown(), ["a.ts read", "b.ts read", "c.ts read"]);
  });

  it("are read anew on request, and at every change where the setting says so", async () => {
    const { write, pin, save, core, pins, setShare } = await newPins();
    write("a.ts", lines("a.ts"));
    await pin("a.ts");
    await pins.renew();
    assert.equal(core.sets.length, 1, "nothing had changed");
    await save("a.ts", `${lines("a.ts")}more\n`);
    assert.equal(core.sets.length, 1);
    await pins.renew();
    assert.equal(core.sets.length, 2);
    setShare(0);
    await save("a.ts", `${lines("a.ts")}more\nand more\n`);
    assert.equal(core.sets.length, 3);
  });

  it("are read anew when the agent is idle again, if it answers meanwhile", async () => {
    const { write, pin, save, core, pins, summaryNow, errors, shown } = await newPins();
    write("a.ts", lines("a.ts"));
    await pin("a.ts");
    core.busy = true;
    await save("a.ts", lines("new"));
    pins.see({ ...(await summaryNow()), state: "answering" });
    await pins.settled();
    assert.deepEqual([core.sets.length, errors], [1, []]);
    core.busy = false;
    pins.see({ ...(await summaryNow()), waitsFor: 1 });
    await pins.settled();
    assert.equal(core.sets.length, 1, "its turn is not over");
    assert.deepEqual(shown(), ["a.ts changed"]);
    pins.see(await summaryNow());
    await pins.settled();
    assert.equal(core.sets.length, 2);
  });

  it("are not read again after a reload; what changed meanwhile is found", async () => {
    const { write, pin, core, open, summaryNow, shown } = await newPins();
    for (const path of ["a.ts", "b.ts"]) write(path, lines(path));
    await pin("a.ts", "b.ts");
    write("b.ts", `${lines("b.ts")}later\n`);
    const reloaded = open();
    reloaded.see(await summaryNow());
    const changes = await reloaded.changes();
    assert.deepEqual(
      changes.map(({ path }) => path),
      ["b.ts"],
    );
    assert.deepEqual([core.sets.length, shown(reloaded)], [1, ["a.ts read", "b.ts changed"]]);
  });

  it("that are deleted or no text any more are told by name, and go when they are read anew", async () => {
    const { files, write, pin, pins, core, shown, state } = await newPins();
    for (const path of ["a.ts", "b.ts", "c.ts"]) write(path, lines(path));
    await pin("a.ts", "b.ts", "c.ts");
    files.delete("file:///a.ts");
    files.set("file:///c.ts", { is: "refused", problem: refusals.binary });
    for (const path of ["a.ts", "c.ts"]) pins.touched(`file:///${path}`);
    assert.deepEqual(
      (await pins.changes()).map(({ path, text }) => [path, text]),
      [
        ["a.ts", changeNotes.deleted],
        ["c.ts", changeNotes.unreadable],
      ],
    );
    assert.deepEqual(
      state().files.map(({ problem }) => problem),
      ["It was deleted.", undefined, refusals.binary],
    );
    await pins.renew();
    assert.deepEqual(
      core.sets.at(-1)?.map(({ path }) => path),
      ["b.ts"],
    );
    assert.deepEqual(shown(), ["b.ts read", "a.ts refused", "c.ts refused"]);
    await pins.unpin("a.ts");
    assert.deepEqual(shown(), ["b.ts read", "c.ts refused"]);
  });

  it("that are renamed keep their place, and their new name when they are read anew", async () => {
    const { files, write, pin, pins, core, state, open, summaryNow, sources } = await newPins();
    write("a.ts", lines("a.ts"));
    await pin("a.ts");
    files.delete("file:///a.ts");
    write("b.ts", lines("a.ts"));
    sources.moved("file:///a.ts", "file:///b.ts", "b.ts");
    pins.renamed("file:///a.ts", "file:///b.ts", "b.ts");
    const [told] = await pins.changes();
    assert.equal(told?.text, changeNotes.renamed("b.ts"));
    assert.equal(state().files[0]?.problem, "It is b.ts now.");
    const reloaded = open();
    reloaded.see(await summaryNow());
    assert.deepEqual(await reloaded.changes(), [told]);
    await pins.renew();
    assert.deepEqual(
      core.sets.at(-1)?.map(({ path }) => path),
      ["b.ts"],
    );
    assert.equal(state().files[0]?.problem, undefined);
  });

  it("of another workspace stay as they are, whatever has their names here", async () => {
    const { service, id, write, open, core, summaryNow } = await newPins();
    const views = ["a.ts", "b.ts"].map((path) => ({ path, digest: digestOf(lines(path)), length: 10 }));
    service.change(id, { files: views });
    for (const path of ["a.ts", "b.ts"]) write(path, "a file of the same name\n");
    const other = open();
    other.see(await summaryNow());
    assert.deepEqual(await other.changes(), []);
    for (const { problem, state: is } of pinnedFileState(other, []).files) {
      assert.match(problem ?? "", /not in the folders that are open here/);
      assert.equal(is, "read");
    }
    assert.deepEqual(core.sets, []);
  });

  it("that another program pinned are known by the ones that are here with their text", async () => {
    const { service, id, write, open, core, summaryNow, shown } = await newPins();
    const views = ["a.ts", "b.ts"].map((path) => ({ path, digest: digestOf(lines(path)), length: lines(path).length }));
    service.change(id, { files: views });
    core.texts.set("b.ts", lines("b.ts"));
    write("a.ts", lines("a.ts"));
    write("b.ts", `${lines("b.ts")}more\n`);
    const other = open();
    other.see(await summaryNow());
    assert.equal((await other.changes()).length, 1);
    assert.deepEqual(shown(other), ["a.ts read", "b.ts changed"]);
  });

  it("name what cannot be pinned, and pin the rest", async () => {
    const { files, write, pin, pins, core, state } = await newPins();
    write("a.ts", lines("a.ts"));
    files.set("file:///b.bin", { is: "refused", problem: refusals.binary });
    files.set("file:///dir", { is: "folder" });
    await pin("a.ts", "b.bin", "dir", "c.ts");
    assert.deepEqual(
      core.sets.at(-1)?.map(({ path }) => path),
      ["a.ts"],
    );
    assert.deepEqual(
      state().files.flatMap(({ path, problem }) => (problem ? [[path, problem]] : [])),
      [
        ["b.bin", refusals.binary],
        ["dir", "It is a folder."],
        ["c.ts", "It is not there any more."],
      ],
    );
    await assert.rejects(pins.unpin("never.ts"), { code: "INVALID_REQUEST" });
    core.busy = true;
    await assert.rejects(pins.unpin("a.ts"), { code: "AGENT_BUSY" });
  });

  it("say when something is different, and only then: an agent's events are many", async () => {
    const { write, pin, save, pins, heard, summaryNow } = await newPins();
    write("a.ts", lines("a.ts"));
    await pin("a.ts");
    await nextTurn();
    const { changes, tells } = heard;
    for (let index = 0; index < 50; index++) pins.see({ ...(await summaryNow()), tokens: index, hotTokens: index });
    await save("a.ts", lines("a.ts"));
    await pins.changes();
    assert.deepEqual(heard, { changes, tells });
    await save("a.ts", `${lines("a.ts")}more\n`);
    assert.deepEqual(heard, { changes: changes + 1, tells: tells + 1 });
  });

  it("are not touched by a file that is not among them, and a save looks at one file only", async () => {
    const { write, pin, save, reads } = await newPins();
    for (const path of ["a.ts", "b.ts", "c.ts"]) write(path, lines(path));
    await pin("a.ts", "b.ts", "c.ts");
    const before = reads();
    await save("other.ts", "x");
    assert.equal(reads(), before);
    await save("b.ts", `${lines("b.ts")}x\n`);
    assert.equal(reads(), before + 1);
  });
});

describe("agents with the same pinned files", () => {
  it("share what was read where all that stands before is the same", async () => {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const files = [{ path: "a.ts", digest: digestOf("a"), length: 1 }];
    const one = service.change(id, { files });
    assert(haveSameFiles(one, { ...one, id: "b" }));
    assert(!haveSameFiles(one, { ...one, files: [] }));
    assert(!haveSameFiles(one, { ...one, modelDirectory: "/other" }));
    assert(!haveSameFiles({ ...one, files: [] }, { ...one, files: [] }), "none are none");
    const two = [...files, { path: "b.ts", digest: digestOf("b"), length: 1 }];
    assert(!haveSameFiles({ ...one, files: two }, { ...one, files: [...two].reverse() }));
  });
});
