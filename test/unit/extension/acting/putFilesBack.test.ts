import assert from "node:assert/strict";
import type { RestoredFile } from "../../../../src/acting/checkpoints";
import { createFormats } from "../../../../src/common/format";
import { filesToPutBack, type PutBackChoice, putFilesBack } from "../../../../src/extension/acting/putFilesBack";
import { restoreWords } from "../../../../src/extension/acting/restoreWords";
import { digest, FakeWorkspace } from "../../../support/acting/fakeWorkspace";
import { MemoryCheckpoints } from "../../../support/acting/kept";

const formats = createFormats("en");

describe("files that are put back", () => {
  let checkpoints: MemoryCheckpoints;
  let workspace: FakeWorkspace;
  let asked: readonly RestoredFile[];
  beforeEach(() => {
    checkpoints = new MemoryCheckpoints();
    workspace = new FakeWorkspace({ "a.ts": "new\n\n\n\nend\n", "b.ts": "mine\n", "made.ts": "made\n" });
    asked = [];
  });

  async function wrote(path: string, before: string | undefined, after: string, turn = "t1"): Promise<void> {
    const texts = { [digest(after)]: after, ...(before === undefined ? {} : { [digest(before)]: before }) };
    const from = before === undefined ? {} : { before: digest(before) };
    const checkpoint = { turn, call: path, folder: "/work/app", path, ...from, after: digest(after) };
    await checkpoints.add("agent", checkpoint, texts);
  }

  const put = (choice: PutBackChoice | undefined, turns = ["t1"]) =>
    putFilesBack("agent", turns, { checkpoints, workspace }, async (files) => {
      asked = files;
      return choice;
    });

  it("are as before, with what the person changed since; what contradicts it stays unless the person says so", async () => {
    await wrote("a.ts", "old\n\n\n\nend\n", "new\n\n\n\nend\n");
    await wrote("b.ts", "old\n", "new\n");
    await wrote("made.ts", undefined, "made\n");
    workspace.files.set("a.ts", "new\n\n\n\nmy end\n");
    assert.equal(await filesToPutBack("agent", ["t1"], { checkpoints, workspace }), 3);
    assert.deepEqual(await put("plain"), { restored: ["a.ts", "made.ts"], kept: ["b.ts"] });
    assert.equal(workspace.text("a.ts"), "old\n\n\n\nmy end\n");
    assert.deepEqual([workspace.text("b.ts"), workspace.text("made.ts")], ["mine\n", undefined]);
    const words = restoreWords(asked, formats);
    assert.equal(words.title, "Put 3 files back as before these turns?");
    assert.match(words.detail, /a\.ts: is put back, with what you changed since/);
    assert.match(words.detail, /b\.ts: you changed the same lines since \(at 1\)/);
    assert.match(words.detail, /made\.ts: is removed, the agent made it/);
    assert.deepEqual(words.ways, [
      { label: "Put 2 Files Back", choice: "plain" },
      { label: "Put 3 Files Back, Keep My Lines", choice: "all" },
    ]);
  });

  it("stay as they are when the person changes their mind, and nobody is asked about none", async () => {
    assert.equal(await put("all"), undefined);
    assert.deepEqual(asked, []);
    await wrote("a.ts", "old\n", "new\n\n\n\nend\n");
    assert.equal(await put(undefined), undefined);
    assert.equal(workspace.text("a.ts"), "new\n\n\n\nend\n");
    assert.equal(await put("all", ["another"]), undefined, "of other turns");
  });

  it("stay where they were changed while the person was asked", async () => {
    await wrote("a.ts", "old\n", "new\n\n\n\nend\n");
    workspace.beforeWrite = () => workspace.files.set("a.ts", "typed meanwhile\n");
    assert.deepEqual(await put("all"), { restored: [], kept: ["a.ts"] });
    assert.equal(workspace.text("a.ts"), "typed meanwhile\n");
  });

  it("that cannot be put back say why, and offer no button", async () => {
    await checkpoints.add(
      "agent",
      { turn: "t1", call: "c", folder: "/elsewhere", path: "x.ts", after: digest("x") },
      {},
    );
    await put("all");
    const words = restoreWords(asked, formats);
    assert.deepEqual(words, {
      title: "None of the files can be put back.",
      detail: "x.ts: stays as it is, because its folder is not open",
      ways: [],
    });
    const many = Array.from({ length: 25 }, () => asked[0]).filter((file) => file !== undefined);
    assert.match(restoreWords(many, formats).detail, /\nand 5 more$/);
  });
});
