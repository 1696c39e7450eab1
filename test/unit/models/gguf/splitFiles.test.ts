import assert from "node:assert/strict";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { importGguf } from "../../../../src/models/gguf/importGguf";
import { rejection, temporaryFolder } from "../../../support/models/folders";
import { buildGguf, type GgufEntry, u32 } from "../../../support/models/ggufBuilder";
import { tinyGguf, tinySpec } from "../../../support/models/tinyGguf";

describe("A split GGUF model", () => {
  const folder = temporaryFolder();
  const part = (number: number, count = 3) => join(folder.path, "parts", `Tiny-0000${number}-of-0000${count}.gguf`);
  const target = () => join(folder.path, "Tiny");

  /** As llama-gguf-split: all metadata in the first part, only what tells the parts apart in the others. */
  async function write(change: (number: number) => Readonly<Record<string, GgufEntry>> = () => ({})) {
    await mkdir(join(folder.path, "parts"), { recursive: true });
    const { metadata, tensors } = tinySpec();
    const perPart = Math.ceil(tensors.length / 3);
    for (const number of [1, 2, 3]) {
      const split = {
        "split.no": u32(number - 1),
        "split.count": u32(3),
        "split.tensors.count": u32(tensors.length),
        ...change(number),
      };
      const own = tensors.slice((number - 1) * perPart, number * perPart);
      await writeFile(
        part(number),
        buildGguf({ metadata: number === 1 ? { ...metadata, ...split } : split, tensors: own }),
      );
    }
  }

  it("is imported whole, whichever part is named, as if it had never been split", async () => {
    const whole = join(folder.path, "whole.gguf");
    await writeFile(whole, tinyGguf());
    await importGguf({ file: whole, target: target() });
    const files = ["model.safetensors", "config.json", "tokenizer.json"];
    const expected = await Promise.all(files.map((name) => readFile(join(target(), name))));
    await write();
    for (const number of [1, 2, 3]) {
      await importGguf({ file: part(number), target: target(), replace: true });
      const made = await Promise.all(files.map((name) => readFile(join(target(), name))));
      assert.deepEqual(made, expected);
    }
  });

  it("is refused with the names of the parts that are missing", async () => {
    await write();
    await rm(part(2));
    const error = await rejection(
      importGguf({ file: part(3), target: target() }),
      "IMPORT_CORRUPT",
      /Tiny-00002-of-00003\.gguf is not in/,
    );
    assert.match(error.advice, /put all parts into one folder/);
    await rm(part(1));
    await rejection(
      importGguf({ file: part(3), target: target() }),
      "IMPORT_CORRUPT",
      /Tiny-00001-of-00003\.gguf, Tiny-00002-of-00003\.gguf are not in/,
    );
    await rm(part(3));
    await rejection(importGguf({ file: part(3), target: target() }), "INVALID_REQUEST", /there is no file/);
  });

  it("is refused where a part's name does not say which it is", async () => {
    await write();
    const renamed = join(folder.path, "parts", "model.gguf");
    for (const number of [1, 2]) {
      await rename(part(number), renamed);
      const error = await rejection(
        importGguf({ file: renamed, target: target() }),
        "IMPORT_CORRUPT",
        /one of 3 parts/,
      );
      assert.match(error.advice, /-00001-of-00003\.gguf/);
    }
  });

  it("is refused where the parts are not those of one model", async () => {
    const refused = async (change: Parameters<typeof write>[0], what: RegExp) => {
      await write(change);
      await rejection(importGguf({ file: part(1), target: target() }), "IMPORT_CORRUPT", what);
    };
    await refused((number) => (number === 2 ? { "split.no": u32(2) } : {}), /part 2 of 3 says that it is part 3 of 3/);
    await refused((number) => (number === 3 ? { "split.count": u32(4) } : {}), /part 3 of 4/);
    await refused(() => ({ "split.tensors.count": u32(7) }), /say that they have 7/);
    await write();
    await writeFile(part(2), await readFile(part(1)));
    await rejection(importGguf({ file: part(3), target: target() }), "IMPORT_CORRUPT", /part 2 of 3 says/);
  });
});
