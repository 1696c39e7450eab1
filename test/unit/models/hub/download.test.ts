import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { folderBytes, unfinishedDownloads } from "../../../../src/models/hub/downloadFolder";
import { FileJob } from "../../../../src/models/hub/fileJob";
import { chooseVariant, neededFiles } from "../../../../src/models/hub/neededFiles";
import { rejection, temporaryFolder } from "../../../support/models/folders";
import { FakeHub, fakeCommit } from "../../../support/models/hub/fakeHub";
import { assertNoModel, assertWhole, fakeModel, getModel, smallParts } from "../../../support/models/hub/hubRig";
import { tinyGguf } from "../../../support/models/tinyGguf";
import { withFailingCalls } from "../../../support/store/failingCalls";

const name = "maker/Model-4bit";

function rangeBytes(range: string | undefined): number {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  return Number(to) + 1 - Number(from);
}

describe("Getting a model from the hub", () => {
  const folder = temporaryFolder();
  let hub: FakeHub;
  beforeEach(async () => {
    hub = await FakeHub.start();
  });
  afterEach(() => hub.stop());

  /** A download that was cancelled in its middle, and the bytes that were left of it. The hub stays slow. */
  async function cancelledHalfWay() {
    const model = fakeModel(name);
    hub.add(model);
    hub.pace = { chunkBytes: 2048, delayMs: 1 };
    const stop = new AbortController();
    let left = 0;
    const onProgress = ({ done, total }: { readonly done: number; readonly total: number }) => {
      left = total - done;
      if (done > total / 2) stop.abort();
    };
    await rejection(getModel(hub, folder.path, name, { onProgress, signal: stop.signal }), "ABORTED", /cancelled/);
    return { model, left };
  }

  it("downloads the files that it needs, in parts, and nothing else", async () => {
    const model = fakeModel(name);
    hub.add(model);
    const steps: number[] = [];
    const onProgress = ({ done, total }: { readonly done: number; readonly total: number }) => steps.push(done / total);
    const directory = await getModel(hub, folder.path, name, { onProgress });
    assert.equal(directory, join(folder.path, "models", "Model-4bit"));
    await assertWhole(directory, model);
    assert.deepEqual([steps[0], steps.at(-1)], [0, 1]);
    const ranges = hub.requests.filter(({ host, range }) => host === "store" && range !== undefined);
    assert.ok(ranges.length >= 300_000 / 32_768);
    for (const counts of hub.sent.values()) assert.ok(counts.every((count) => count <= 2));
    const { hub: origin } = JSON.parse(await readFile(join(directory, "resident.json"), "utf8"));
    assert.deepEqual(origin, { name, commit: fakeCommit });
  });

  it("does nothing when the model is there", async () => {
    hub.add(fakeModel(name));
    const directory = await getModel(hub, folder.path, name);
    const before = hub.requests.length;
    assert.equal(await getModel(hub, folder.path, name), directory);
    assert.deepEqual(
      hub.requests.slice(before).filter(({ path }) => path.endsWith(".safetensors")),
      [],
    );
  });

  it("never tells the token to another host", async () => {
    hub.add(fakeModel(name, 300_000, { privateFor: "hf_secret" }));
    await getModel(hub, folder.path, name, { access: { token: "hf_secret" } });
    assert.ok(hub.requests.filter(({ host }) => host === "store").length > 3);
    for (const { host, authorization } of hub.requests) {
      assert.equal(authorization, host === "hub" ? "Bearer hf_secret" : undefined);
    }
  });

  it("names a model that does not exist, and one that is private", async () => {
    const error = await rejection(
      getModel(hub, folder.path, "maker/None"),
      "MODEL_NOT_FOUND",
      /no model maker\/None .*private/,
    );
    assert.match(error.advice, /token/);
    await assertNoModel(folder.path);
  });

  it("says what to do for a model with conditions", async () => {
    hub.add(fakeModel(name, 1000, { gated: true }));
    const { advice } = await rejection(getModel(hub, folder.path, name), "HUB_DENIED", /accepted its conditions/);
    assert.ok(advice.includes(`${hub.url}/${name}`), advice);
    assert.match(advice, /HF_TOKEN/);
  });

  it("refuses, before weights are downloaded, what it would not open", async () => {
    const config = (changes: object) =>
      JSON.stringify({ ...JSON.parse(String(fakeModel(name).files["config.json"])), ...changes });
    const { files } = fakeModel(name, 1000);
    const { "model-00001-of-00002.safetensors": _a, "model-00002-of-00002.safetensors": _b, ...torch } = files;
    const { "tokenizer.json": _c, ...noTokenizer } = files;
    const refused = [
      [torch, "MODEL_UNSUPPORTED", /only PyTorch/],
      [noTokenizer, "MODEL_UNSUPPORTED", /no tokenizer\.json/],
      [{ "README.md": "x" }, "MODEL_NOT_FOUND", /no weights/],
      [{ ...files, "config.json": config({ model_type: "qwen3_5" }) }, "MODEL_UNSUPPORTED", /qwen3_5/],
      [{ ...files, "config.json": config({ model_file: "evil.py" }) }, "MODEL_UNSUPPORTED", /program of its own/],
    ] as const;
    for (const [some, code, what] of refused) {
      hub.add({ ...fakeModel(name), files: some });
      await rejection(getModel(hub, folder.path, name), code, what);
    }
    assert.deepEqual(
      hub.requests.filter(({ host }) => host === "store"),
      [],
    );
    await assertNoModel(folder.path);
  });

  it("imports a model in GGUF, of which one file is chosen by its quantisation", async () => {
    const gguf = tinyGguf();
    hub.add({
      name: "maker/Tiny-GGUF",
      files: {
        "tiny-Q8_0.gguf": Buffer.concat([gguf, Buffer.alloc(64)]),
        "tiny-Q4_0.gguf": gguf,
        "mmproj-F16.gguf": "x",
      },
      large: ["tiny-Q4_0.gguf", "tiny-Q8_0.gguf"],
    });
    const directory = await getModel(hub, folder.path, "maker/Tiny-GGUF");
    assert.equal(directory, join(folder.path, "models", "Tiny-Q4_0"));
    const entries = await readdir(directory);
    for (const file of ["config.json", "model.safetensors", "resident.json"]) assert.ok(entries.includes(file), file);
    assert.deepEqual(await readdir(join(folder.path, "models")), ["Tiny-Q4_0"]);
    await rejection(
      getModel(hub, folder.path, "maker/Tiny-GGUF", { quantization: "Q6_K" }),
      "MODEL_NOT_FOUND",
      /no GGUF file Q6_K: there are Q4_0, Q8_0/,
    );
  });

  it("asks again for the head of a GGUF file where the server fails once", async () => {
    const files = { "tiny-Q4_0.gguf": tinyGguf() };
    hub.add({ name: "maker/Tiny-GGUF", files, large: ["tiny-Q4_0.gguf"] });
    let failures = 0;
    hub.mischief = (_request, response, { host }) => {
      if (host !== "store" || failures > 0) return false;
      failures += 1;
      response.writeHead(503).end();
      return true;
    };
    await getModel(hub, folder.path, "maker/Tiny-GGUF");
    assert.equal(failures, 1);
  });

  it("goes on with what a cancelled download has, and can tell what is unfinished", async () => {
    const { model, left } = await cancelledHalfWay();
    await assertNoModel(folder.path);
    const [unfinished] = await unfinishedDownloads(join(folder.path, "models"));
    assert.equal(unfinished?.name, name);
    assert.ok(unfinished.bytes > 100_000 && unfinished.totalBytes > 300_000);
    // As a kill leaves it between the file's new name and the end of its journal.
    const staging = join(folder.path, "models", ".Model-4bit.downloading");
    await writeFile(join(staging, "tokenizer.json"), model.files["tokenizer.json"] ?? "");
    await writeFile(join(staging, "tokenizer.json.blocks"), "stale");
    hub.requests.length = 0;
    await assertWhole(await getModel(hub, folder.path, name), model);
    const asked = hub.requests.filter(({ host }) => host === "store").map(({ range }) => rangeBytes(range));
    const askedBytes = asked.reduce((sum, bytes) => sum + bytes, 0);
    assert.ok(askedBytes > 0 && askedBytes <= left, `${askedBytes} bytes were asked for, and ${left} were left`);
  });

  it("takes no byte on trust: what was damaged on the disk meanwhile is downloaded again", async () => {
    const { model } = await cancelledHalfWay();
    const staging = join(folder.path, "models", ".Model-4bit.downloading");
    const partial = join(staging, "model-00001-of-00002.safetensors.partial");
    const bytes = await readFile(partial);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(partial, bytes);
    await writeFile(join(staging, "model-00002-of-00002.safetensors.blocks"), "resident blocks of another kind\n++++");
    hub.pace = undefined;
    await assertWhole(await getModel(hub, folder.path, name), model);
  });

  it("takes no byte on trust from a server that sends only whole files either", async () => {
    const { model } = await cancelledHalfWay();
    const partial = join(folder.path, "models", ".Model-4bit.downloading", "model-00001-of-00002.safetensors.partial");
    const bytes = await readFile(partial);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    await writeFile(partial, bytes);
    hub.pace = undefined;
    hub.mischief = (request) => {
      delete request.headers.range;
      return false;
    };
    await assertWhole(await getModel(hub, folder.path, name), model);
  });

  it("stops the reading of what is there when it is cancelled", async () => {
    const content = Buffer.from("x".repeat(9000));
    const hex = createHash("sha256").update(content).digest("hex");
    const file = { path: "model.safetensors", bytes: content.length, hash: { type: "sha256", hex } } as const;
    await writeFile(join(folder.path, "model.safetensors.partial"), content);
    const journal = `resident blocks 1 sha256 ${hex} 9000 4096\n+++`;
    await writeFile(join(folder.path, "model.safetensors.blocks"), journal);
    const cancelled = await FileJob.create(file, folder.path, smallParts, AbortSignal.abort());
    await rejection(cancelled.finish(), "ABORTED", /cancelled/);
    await cancelled.close();
    const again = await FileJob.create(file, folder.path, smallParts, new AbortController().signal);
    assert.ok(await again.finish());
  });

  it("keeps all that came when a folder of that name was made meanwhile", async () => {
    const model = fakeModel(name);
    hub.add(model);
    const target = join(folder.path, "models", "Model-4bit");
    const onProgress = () => {
      mkdirSync(join(target, "mine"), { recursive: true });
    };
    await rejection(
      getModel(hub, folder.path, name, { onProgress }),
      "INVALID_REQUEST",
      /was made while the model came/,
    );
    assert.deepEqual(await readdir(target), ["mine"]);
    assert.equal((await unfinishedDownloads(join(folder.path, "models")))[0]?.name, name);
    await rm(target, { recursive: true });
    hub.requests.length = 0;
    await assertWhole(await getModel(hub, folder.path, name), model);
    assert.ok(hub.requests.every(({ host }) => host !== "store"));
  });

  it("does not download again what another window finished between the look and the lock", async () => {
    hub.add(fakeModel(name));
    const target = join(folder.path, "models", "Model-4bit");
    const tryLock = () => {
      mkdirSync(target);
      writeFileSync(join(target, "resident.json"), JSON.stringify({ hub: { name, commit: fakeCommit } }));
      return { release: () => {} };
    };
    assert.equal(await getModel(hub, folder.path, name, { tryLock }), target);
    assert.ok(hub.requests.every(({ host }) => host !== "store"));
    assert.deepEqual(await readdir(join(folder.path, "models")), ["Model-4bit"]);
  });

  it("counts nothing for a folder that is gone", async () => {
    assert.equal(await folderBytes(join(folder.path, "gone")), 0);
  });

  it("leaves out a licence of impossible length, and refuses a model of very many files", async () => {
    const file = (path: string, bytes = 10) => ({ path, bytes, hash: { type: "git", hex: "a".repeat(40) } }) as const;
    const small = ["config.json", "tokenizer.json", "model.safetensors"].map((path) => file(path));
    const offer = neededFiles(name, [...small, file("LICENSE", Number.MAX_SAFE_INTEGER)]);
    assert.ok(offer.type === "folder" && offer.files.length === 3);
    const licences = Array.from({ length: 1000 }, (_, number) => file(`LICENSE-${number}`));
    const refused = async () => neededFiles(name, [...small, ...licences]);
    await rejection(refused(), "MODEL_UNSUPPORTED", /has 1003 files, more than the 1000/);
  });

  it("tells files of the same quantisation apart by their names", () => {
    const file = (path: string, bytes: number) =>
      ({ path, bytes, hash: { type: "git", hex: "a".repeat(40) } }) as const;
    const files = [file("tiny-1B-Q4_0.gguf", 10), file("tiny-3B-Q4_0.gguf", 30), file("tiny-3B-Q8_0.gguf", 60)];
    const offer = neededFiles(name, files);
    assert.ok(offer.type === "gguf");
    assert.deepEqual(
      offer.variants.map(({ quantization }) => chooseVariant(name, offer.variants, quantization).bytes),
      [10, 30, 60],
    );
  });

  it("refuses to start where the disk has too little room, with both numbers", async () => {
    const model = fakeModel(name, 1000);
    hub.add(model);
    hub.mischief = (_request, response, { path }) => {
      if (!path.includes("/tree/")) return false;
      const entries = Object.keys(model.files).map((file) => ({
        type: "file",
        path: file,
        size: 2 ** 50,
        oid: "a".repeat(40),
      }));
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify(entries.map((entry) => (entry.path.endsWith(".json") ? { ...entry, size: 10 } : entry))),
      );
      return true;
    };
    const options = { connections: 1, blockBytes: 2 ** 40, blocksPerRange: 1, limits: { stallMs: 250, leastBytes: 1 } };
    const policy = { attempts: 1, firstDelayMs: 1, longestDelayMs: 1 };
    const { facts } = await rejection(
      getModel(hub, folder.path, name, { options: { ...options, policy } }),
      "DISK_FULL",
      /needs .* TB more on the disk, and .* are free/,
    );
    assert.ok(Number(facts["neededBytes"]) > Number(facts["availableBytes"]));
    await assertNoModel(folder.path);
  });

  it("keeps what it has when the disk fills up in the middle, and goes on when there is room", async () => {
    const model = fakeModel(name);
    hub.add(model);
    let writes = 0;
    await withFailingCalls(
      "ENOSPC",
      (call) => call === "handle.write" && ++writes > 60,
      async () => {
        const { advice } = await rejection(getModel(hub, folder.path, name), "DISK_FULL", /the disk is full/);
        assert.match(advice, /kept/);
      },
    );
    await assertNoModel(folder.path);
    await assertWhole(await getModel(hub, folder.path, name), model);
  });

  it("lets one process download a model at a time", async () => {
    hub.add(fakeModel(name));
    const getting = getModel(hub, folder.path, name, { tryLock: () => undefined });
    await rejection(getting, "INVALID_REQUEST", /being downloaded by another window/);
  });

  it("gives a model of the same name from elsewhere a folder of its own", async () => {
    const other = fakeModel("other/Model-4bit", 5000);
    hub.add(fakeModel(name, 1000));
    hub.add(other);
    await getModel(hub, folder.path, name);
    const directory = await getModel(hub, folder.path, "other/Model-4bit");
    assert.equal(directory, join(folder.path, "models", "other--Model-4bit"));
    await assertWhole(directory, other);
    await rm(directory, { recursive: true });
  });
});
