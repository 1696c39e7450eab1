import assert from "node:assert/strict";
import fc from "fast-check";
import { planRestore, restore } from "../../../src/acting/checkpoints";
import { merge3 } from "../../../src/acting/merge";
import { digest, FakeWorkspace } from "../../support/acting/fakeWorkspace";
import { MemoryCheckpoints } from "../../support/acting/kept";

const agent = "ada";

/** Writes as an agent does: the copy first. */
async function wrote(
  rig: { readonly workspace: FakeWorkspace; readonly store: MemoryCheckpoints },
  turn: string,
  path: string,
  after: string,
) {
  const before = rig.workspace.text(path);
  const texts = { [digest(after)]: after, ...(before === undefined ? {} : { [digest(before)]: before }) };
  const digests = { after: digest(after), ...(before === undefined ? {} : { before: digest(before) }) };
  await rig.store.add(agent, { turn, call: `c ${turn}`, folder: "/work/app", path, ...digests }, texts);
  rig.workspace.files.set(path, after);
}

function start(files: Readonly<Record<string, string>> = {}) {
  return { workspace: new FakeWorkspace(files), store: new MemoryCheckpoints() };
}

async function rewind({ workspace, store }: ReturnType<typeof start>, turns: readonly string[]) {
  const files = await planRestore(agent, turns, store, workspace);
  for (const file of files) if (file.plan.kind === "write") assert.ok(await restore(file, workspace));
  return files.map(({ shown, plan }) => `${shown}: ${plan.kind === "kept" ? plan.why : plan.kind}`);
}

const base = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

describe("a rewind", () => {
  it("puts files back as they were before the turns that are left, and only those", async () => {
    const rig = start({ "a.txt": "0\n", "b.txt": "b\n" });
    await wrote(rig, "t1", "a.txt", "1\n");
    await wrote(rig, "t2", "a.txt", "2\n");
    await wrote(rig, "t2", "b.txt", "B\n");
    await wrote(rig, "t3", "a.txt", "3\n");
    assert.deepEqual(await rewind(rig, ["t3"]), ["a.txt: write"]);
    assert.equal(rig.workspace.text("a.txt"), "2\n");
    assert.deepEqual(await rewind(rig, ["t2", "t3"]), ["a.txt: write", "b.txt: write"]);
    assert.deepEqual([rig.workspace.text("a.txt"), rig.workspace.text("b.txt")], ["1\n", "b\n"]);
    assert.deepEqual(await rewind(rig, ["t2", "t3"]), [], "all is back already");
  });

  it("leaves folders alone that have the same path in another file system", async () => {
    const rig = start({ "a.txt": "0\n" });
    await wrote(rig, "t1", "a.txt", "1\n");
    const elsewhere = new FakeWorkspace({ "a.txt": "1\n" }, [
      { name: "app", path: "/work/app", uri: "memfs:/work/app" },
    ]);
    assert.deepEqual(await rewind({ ...rig, workspace: elsewhere }, ["t1"]), ["a.txt: its folder is not open"]);
    const beside = new FakeWorkspace({ "a.txt": "1\n", "1:a.txt": "1\n" }, [
      { name: "app", path: "/work/app", uri: "memfs:/work/app" },
      { name: "app2", path: "/work/app" },
    ]);
    assert.deepEqual(await rewind({ ...rig, workspace: beside }, ["t1"]), ["app2/a.txt: write"]);
    assert.deepEqual([beside.text("a.txt"), beside.text("1:a.txt")], ["1\n", "0\n"]);
  });

  it("removes a file that the agent made only while nobody changed it", async () => {
    const rig = start();
    await wrote(rig, "t1", "new.txt", "x\n");
    await wrote(rig, "t1", "mine.txt", "y\n");
    rig.workspace.files.set("mine.txt", "y\nand mine\n");
    assert.deepEqual(await rewind(rig, ["t1"]), [
      "mine.txt: the agent made it, and you changed it since",
      "new.txt: write",
    ]);
    assert.deepEqual([...rig.workspace.files.keys()], ["mine.txt"]);
  });

  it("keeps what the person changed since, also between two writes", async () => {
    const rig = start({ "a.txt": base });
    await wrote(rig, "t1", "a.txt", base.replace("one", "ONE"));
    rig.workspace.files.set("a.txt", (rig.workspace.text("a.txt") ?? "").replace("seven", "seven mine"));
    await wrote(rig, "t2", "a.txt", (rig.workspace.text("a.txt") ?? "").replace("three", "THREE"));
    rig.workspace.files.set("a.txt", (rig.workspace.text("a.txt") ?? "").replace("five", "five mine"));
    assert.deepEqual(await rewind(rig, ["t1", "t2"]), ["a.txt: write"]);
    assert.equal(rig.workspace.text("a.txt"), base.replace("seven", "seven mine").replace("five", "five mine"));
  });

  it("tells where both changed the same lines, and writes nothing then", async () => {
    const rig = start({ "a.txt": base });
    await wrote(rig, "t1", "a.txt", base.replace("four", "FOUR"));
    const mine = base.replace("four", "FOUR, I say");
    rig.workspace.files.set("a.txt", mine);
    assert.deepEqual(await rewind(rig, ["t1"]), ["a.txt: conflict"]);
    assert.equal(rig.workspace.text("a.txt"), mine);
    const [file] = await planRestore(agent, ["t1"], rig.store, rig.workspace);
    assert.deepEqual(file?.plan.kind === "conflict" && file.plan.conflicts, [
      { line: 4, mine: "FOUR, I say\n", theirs: "four\n" },
    ]);
  });

  it("leaves alone what was removed, is no text, is git's, is lost or is in a folder that is not open", async () => {
    const rig = start({ "a.txt": "a\n", "c.txt": "c\n" });
    await wrote(rig, "t1", "a.txt", "A\n");
    rig.workspace.files.delete("a.txt");
    await wrote(rig, "t1", "b.txt", "B\n");
    rig.workspace.binary.add("b.txt");
    await wrote(rig, "t1", ".git/config", "evil\n");
    await rig.store.add(
      agent,
      { turn: "t1", call: "c", folder: "/gone", path: "d.txt", after: digest("d") },
      { [digest("d")]: "d" },
    );
    await rig.store.add(
      agent,
      { turn: "t1", call: "c", folder: "/work/app", path: "c.txt", before: "0", after: "1" },
      {},
    );
    assert.deepEqual(await rewind(rig, ["t1"]), [
      ".git/config: git's own files are never touched",
      "a.txt: you removed it since",
      "b.txt: it is no text any more",
      "c.txt: the copy of it is gone",
      "d.txt: its folder is not open",
    ]);
    assert.equal(rig.workspace.text("c.txt"), "c\n");
  });

  it("writes nothing over a file that changes while it is asked", async () => {
    const rig = start({ "a.txt": "a\n" });
    await wrote(rig, "t1", "a.txt", "A\n");
    const [file] = await planRestore(agent, ["t1"], rig.store, rig.workspace);
    rig.workspace.files.set("a.txt", "mine\n");
    assert.ok(file);
    assert.equal(await restore(file, rig.workspace), false);
    assert.equal(rig.workspace.text("a.txt"), "mine\n");
  });
});

describe("a merge of three", () => {
  const words = fc
    .array(fc.constantFrom("a\n", "b\n", "c\n", "\n", "d\r\n"), { maxLength: 12 })
    .map((list) => list.join(""));
  const parameters = { seed: Number(process.env["RESIDENT_SEED"] ?? 19), numRuns: 1000 };

  it("takes a side that alone changed, and both where they agree", () => {
    fc.assert(
      fc.property(words, words, (from, to) => {
        assert.deepEqual(merge3(to, from, from), { text: to, conflicts: [] });
        assert.deepEqual(merge3(from, from, to), { text: to, conflicts: [] });
        assert.deepEqual(merge3(to, from, to), { text: to, conflicts: [] });
      }),
      parameters,
    );
  });

  it("loses no line that only the person added", () => {
    fc.assert(
      fc.property(words, words, fc.nat(12), (from, to, at) => {
        const lines = from.split(/(?<=\n)/);
        const mine = [...lines.slice(0, at), "MINE\n", ...lines.slice(at)].join("");
        assert.ok(merge3(mine, from, to).text.includes("MINE\n"));
      }),
      parameters,
    );
  });

  it("of long texts takes little time, however they differ", () => {
    const started = performance.now();
    const many = (word: string) => Array.from({ length: 100_000 }, (_, index) => `${word} ${index}\n`).join("");
    const [mine, theirs] = [many("mine"), many("theirs")];
    const merged = merge3(mine, many("base"), theirs);
    assert.deepEqual([merged.text === mine, merged.conflicts.length], [true, 1]);
    const base = many("base").slice(0, 60_000);
    assert.equal(merge3(`${base}x\n`, base, base.replace("base 0\n", "")).conflicts.length, 0);
    assert.ok(performance.now() - started < 10_000);
  });
});
