import assert from "node:assert/strict";
import { mkdir, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import type { BlockFileRead } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { parseSafetensors } from "../../support/models/safetensors";
import { specialFiles } from "../../support/models/specialFiles";
import { longRun, NativeRig, stageRoot } from "../../support/native/nativeRig";
import { writeRandomModel } from "../../support/native/randomModel";

const metadata = { model: "tiny", parent: "", tokens: "[1,2,3]" };

describe("Block files", () => {
  const folder = temporaryFolder();
  let rig: NativeRig;
  let file: string;
  beforeEach(async () => {
    rig = await NativeRig.load(await writeRandomModel(path.join(folder.path, "model")));
    await mkdir(path.join(folder.path, "store"));
    file = path.join(folder.path, "store", "block.safetensors");
    await rig.run([{ tokens: [1, 2, 3, 4, 5, 6, 7, 8], table: [0], want: false }]);
  });
  afterEach(() => rig.dispose());

  const write = (tokens = 8) => rig.pool.writeBlockFile({ block: 0, tokens, path: file, metadata });
  const read = (change: Partial<BlockFileRead> = {}) =>
    rig.pool.readBlockFile({ path: file, block: 9, tokens: 8, expect: metadata, ...change });
  const next = async (block: number) => (await rig.run([{ tokens: [9], start: 8, table: [block, 20] }])).ids;

  it("bring a block back as it was", async () => {
    const bytes = await write();
    assert.equal(bytes, (await readFile(file)).length);
    assert.equal(await read(), undefined);
    assert.deepEqual(await next(9), await next(0));
    assert.deepEqual(await readdir(path.dirname(file)), ["block.safetensors"]);
  });

  it("are plain safetensors of k.<layer> and v.<layer>", async () => {
    await write(3);
    const tensors = parseSafetensors(await readFile(file));
    assert.deepEqual([...tensors.keys()].sort(), ["k.0", "k.1", "v.0", "v.1"]);
    const expected = rig.model.info.kvDtype.toUpperCase();
    for (const { dtype, shape } of tensors.values()) assert.deepEqual([dtype, shape], [expected, [3, 2, 8]]);
  });

  it("hold a part of a block", async () => {
    await write(3);
    assert.equal(await read({ tokens: 3 }), undefined);
    assert.equal((await read({ tokens: 8 }))?.code, "geometry");
    assert.equal((await read({ tokens: 2 }))?.code, "geometry");
  });

  it("replace an older file of the name", async () => {
    await writeFile(file, "something else");
    await write();
    assert.equal(await read(), undefined);
  });

  it("are refused with the reason, and a good one makes the block whole again", async () => {
    await write();
    const whole = await readFile(file);
    const flipped = (at: number) => Buffer.from(whole).fill((whole[at] ?? 0) ^ 1, at, at + 1);
    const cases: readonly [string, Buffer][] = [
      ["checksum", flipped(whole.length - 1)],
      ["checksum", flipped(60)],
      ["truncated", whole.subarray(0, whole.length - 1)],
      ["truncated", whole.subarray(0, 20)],
      ["truncated", Buffer.alloc(0)],
      ["geometry", Buffer.concat([whole, Buffer.alloc(1)])],
      ["format", Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from("{}")])],
    ];
    for (const [code, bytes] of cases) {
      await writeFile(file, bytes);
      assert.equal((await read())?.code, code);
    }
    await writeFile(file, whole);
    assert.deepEqual(await read({ expect: { ...metadata, model: "other" } }), {
      code: "identity",
      reason: "model is another one",
      key: "model",
    });
    assert.equal((await read({ expect: { unknown: "" } }))?.code, "identity");
    assert.equal((await read({ path: `${file}.none` }))?.code, "missing");
    for (const [kind, put] of Object.entries(specialFiles)) {
      const special = path.join(folder.path, kind);
      await put(special);
      assert.equal((await read({ path: special }))?.code, "format");
    }
    // Nothing can be said of a file that cannot be reached.
    assert.equal((await read({ path: path.join(file, "below a file") }))?.code, "unreadable");
    assert.equal(await read(), undefined);
    assert.deepEqual(await next(9), await next(0));
  });

  it("are verified without a pool, by what they say of themselves", async () => {
    const bytes = await write();
    const addon = loadAddon(stageRoot);
    assert.deepEqual(await addon.checkBlockFile(file), { bytes, metadata });
    const whole = await readFile(file);
    await writeFile(file, Buffer.from(whole).fill((whole[bytes - 5] ?? 0) ^ 1, bytes - 5, bytes - 4));
    const damaged = await addon.checkBlockFile(file);
    assert.deepEqual([damaged.refused?.code, damaged.metadata], ["checksum", {}]);
    await truncate(file, bytes - 1);
    assert.equal((await addon.checkBlockFile(file)).refused?.code, "truncated");
    assert.equal((await addon.checkBlockFile(`${file}.none`)).refused?.code, "missing");
    assert.equal((await addon.checkBlockFile(path.dirname(file))).refused?.code, "format");
  });

  it("cut short on the disk are never read as whole", async () => {
    const bytes = await write();
    for (let length = 0; length < bytes; length += 101) {
      await write();
      await truncate(file, length);
      assert.equal((await read())?.code, "truncated");
    }
  });

  it("that cannot be written reject with the path", async () => {
    const missing = path.join(folder.path, "none", "block");
    const error = await rejection(
      rig.pool.writeBlockFile({ block: 0, tokens: 8, path: missing, metadata }),
      "IO_FAILURE",
      /No such file/,
    );
    assert.match(String(error.facts["path"]), /none/);
  });

  it("are written and read between the steps of a run", async () => {
    const { parts, steps, endBlock } = longRun(1);
    await rig.dispose();
    rig = await NativeRig.load(path.join(folder.path, "model"), endBlock + 1);
    await rig.run([{ tokens: [1, 2, 3, 4, 5, 6, 7, 8], table: [0], want: false }]);
    const order: string[] = [];
    const run = rig.run(parts, steps).then(() => order.push("run"));
    await write().then(() => order.push("written"));
    assert.equal(await read({ block: endBlock }), undefined);
    order.push("read");
    await run;
    assert.deepEqual(order, ["written", "read", "run"]);
  });
});
