import assert from "node:assert/strict";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listModels } from "../../../src/models/catalogue";
import { deleteModelFolder } from "../../../src/models/deleteModel";
import { foundFolders } from "../../../src/models/foundModels";
import { summarizeModel } from "../../../src/models/modelDirectory";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { tinyConfig, writeTinyModel } from "../../support/models/tinyModel";

const gb = 2 ** 30;

describe("The list of all models", () => {
  const folder = temporaryFolder();
  const at = (...names: readonly string[]) => join(folder.path, ...names);
  const list = async (loaded?: string, others: readonly string[] = []) =>
    listModels(
      {
        starterModel: at("starter"),
        imported: at("models"),
        others,
        found: await foundFolders(at("home"), {}),
      },
      { memoryBytes: 8 * gb, loaded },
    );

  /** As the hub's own programs keep a model: links into a folder of blobs. */
  async function writeSnapshot(name: string, commit: string): Promise<string> {
    const repo = at("home", ".cache", "huggingface", "hub", `models--${name.replace("/", "--")}`);
    const blobs = await writeTinyModel(join(repo, "blobs"));
    const snapshot = join(repo, "snapshots", commit);
    await mkdir(snapshot, { recursive: true });
    for (const file of await readdir(blobs)) await symlink(join("..", "..", "blobs", file), join(snapshot, file));
    return snapshot;
  }

  it("says of each where it came from, what it takes of the memory, and whether it is loaded or can be deleted", async () => {
    await writeTinyModel(at("starter"));
    await writeTinyModel(at("models", "import"));
    const origin = JSON.stringify({ hub: { name: "maker/Got-4bit", commit: "c0ffee0" } });
    await writeTinyModel(at("models", "Got-4bit"), { "resident.json": origin });
    await writeTinyModel(at("mine", "own"));
    await writeTinyModel(at("home", ".lmstudio", "models", "maker", "Studio"));
    const models = await list(at("models", "Got-4bit"), [at("mine")]);
    assert.deepEqual(
      models.map(({ name, source, isLoaded, isDeletable, program, hubName }) => [
        name,
        source,
        program ?? hubName ?? "",
        isLoaded,
        isDeletable,
      ]),
      [
        ["starter", "starter", "", false, false],
        ["Got-4bit", "downloaded", "maker/Got-4bit", true, true],
        ["import", "imported", "", false, true],
        ["own", "folder", "", false, false],
        ["Studio", "found", "LM Studio", false, false],
      ],
    );
    for (const { fit } of models) assert.deepEqual([fit?.verdict, fit?.memoryBytes], ["fits", 8 * gb]);
  });

  it("finds what the hub's cache, LM Studio and oMLX have, in place and by name", async () => {
    const old = await writeSnapshot("maker/Cached-4bit", "aaaa");
    const snapshot = await writeSnapshot("maker/Cached-4bit", "bbbb");
    const refs = at("home", ".cache", "huggingface", "hub", "models--maker--Cached-4bit", "refs");
    await mkdir(refs);
    await writeFile(join(refs, "main"), "bbbb\n");
    await writeTinyModel(at("home", ".cache", "lm-studio", "models", "maker", "Old"));
    await writeTinyModel(at("home", ".omlx", "models", "Flat"));
    await writeTinyModel(at("home", ".omlx", "models", "maker", "Deep"));
    const models = await list();
    assert.deepEqual(models.map(({ name, program }) => [program, name]).sort(), [
      ["Hugging Face", "Cached-4bit"],
      ["LM Studio", "Old"],
      ["oMLX", "Deep"],
      ["oMLX", "Flat"],
    ]);
    assert.ok(models.some(({ directory }) => directory === snapshot));
    assert.ok(models.every(({ directory }) => directory !== old));
    assert.equal((await summarizeModel(snapshot)).name, "Cached-4bit");
    const elsewhere = await foundFolders(at("home"), { HF_HUB_CACHE: at("other") });
    assert.ok(elsewhere.every(({ program }) => program !== "Hugging Face"));
  });

  it("leaves out what other programs have and Resident cannot use", async () => {
    const config = JSON.stringify({ ...tinyConfig, model_type: "qwen3_5" });
    await writeTinyModel(at("home", ".lmstudio", "models", "maker", "New"), { "config.json": config });
    await writeTinyModel(at("home", ".omlx", "models", "Half"), { "model.safetensors": undefined });
    assert.deepEqual(await list(), []);
  });

  it("lists an unfinished download with what is there of it", async () => {
    const staging = at("models", ".Big-4bit.downloading");
    await mkdir(staging, { recursive: true });
    const plan = {
      name: "maker/Big-4bit",
      commit: "c0ffee0",
      files: [{ path: "model.safetensors", bytes: 9_000_000 }],
    };
    await writeFile(join(staging, "plan.json"), JSON.stringify(plan));
    await writeFile(join(staging, "model.safetensors.partial"), Buffer.alloc(3_000_000, 1));
    const [unfinished, ...more] = await list();
    assert.deepEqual(more, []);
    assert.deepEqual(
      [unfinished?.name, unfinished?.source, unfinished?.hubName],
      ["Big-4bit", "unfinished", "maker/Big-4bit"],
    );
    assert.match(unfinished?.problem?.what ?? "", /unfinished: 2\.8\d of 8\.58 MB are there/);
    assert.equal(unfinished?.isDeletable, true);
    await writeFile(join(staging, "plan.json"), JSON.stringify({ ...plan, revision: "refs/pr/1" }));
    assert.equal((await list())[0]?.hubName, "maker/Big-4bit:refs/pr/1");
  });
});

const unlocked = () => ({ release: () => {} });

describe("Deleting a model", () => {
  const folder = temporaryFolder();

  it("removes its folder and tells the bytes that it took", async () => {
    const model = await writeTinyModel(join(folder.path, "model"), { "model.safetensors": Buffer.alloc(1_000_000, 1) });
    const freed = await deleteModelFolder(model, unlocked);
    assert.ok(freed >= 1_000_000 && freed < 1_100_000, String(freed));
    assert.deepEqual(await readdir(folder.path), []);
  });

  it("does not follow links: what they lead to stays", async () => {
    const other = await writeTinyModel(join(folder.path, "other"));
    await symlink(other, join(folder.path, "link"));
    await mkdir(join(folder.path, "model"));
    await symlink(join(other, "config.json"), join(folder.path, "model", "config.json"));
    await deleteModelFolder(join(folder.path, "model"), unlocked);
    assert.ok((await readFile(join(other, "config.json"), "utf8")).length > 0);
  });

  it("refuses a download that another window goes on with, and deletes one that nobody does", async () => {
    const download = join(folder.path, ".Big-4bit.downloading");
    await mkdir(download);
    await writeFile(join(download, "plan.json"), JSON.stringify({ name: "maker/Big-4bit", commit: "c0ffee0" }));
    const locked = deleteModelFolder(download, () => undefined);
    await rejection(locked, "INVALID_REQUEST", /maker\/Big-4bit is being downloaded by another window/);
    assert.deepEqual(await readdir(download), ["plan.json"]);
    await deleteModelFolder(download, unlocked);
    assert.ok(!(await readdir(folder.path)).includes(".Big-4bit.downloading"));
  });

  it("ends the deletion of a process that was killed, and leaves that of one that runs", async () => {
    const [killed, running] = [".deleting-99999999-a", `.deleting-${process.ppid}-b`];
    for (const name of [killed, running, "model"]) await mkdir(join(folder.path, name));
    await deleteModelFolder(join(folder.path, "model"), unlocked);
    assert.deepEqual(
      (await readdir(folder.path)).filter((name) => name.startsWith(".")),
      [running],
    );
  });

  it("says so when there is none", async () => {
    await rejection(deleteModelFolder(join(folder.path, "none"), unlocked), "MODEL_NOT_FOUND", /there is no folder/);
  });
});
