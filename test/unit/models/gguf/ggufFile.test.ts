import assert from "node:assert/strict";
import fc from "fast-check";
import { ResidentError } from "../../../../src/common/errors";
import type { ByteSource } from "../../../../src/models/fileSource";
import { placeTensors, readGgufHeader } from "../../../../src/models/gguf/ggufFile";
import { rejection } from "../../../support/models/folders";
import {
  buildGguf,
  f32s,
  flags,
  type GgufSpec,
  type GgufTensorSpec,
  i32s,
  text,
  texts,
  u32,
} from "../../../support/models/ggufBuilder";
import { memorySource } from "../../../support/models/memorySource";
import { tinyTensor } from "../../../support/models/tinyGguf";

async function readGguf(source: ByteSource, signal?: AbortSignal) {
  const header = await readGgufHeader(source, signal);
  return { metadata: header.metadata, tensors: placeTensors(header) };
}

const metadata = { "general.architecture": text("llama"), "tokenizer.ggml.tokens": texts(["a", "é", "🙂"]), n: u32(7) };
const tensors = [
  tinyTensor("a.weight", [4, 64], "Q4_1"),
  tinyTensor("b.weight", [64]),
  tinyTensor("c.weight", [2, 32], "Q8_0"),
];
const read = (spec: GgufSpec) => readGguf(memorySource(buildGguf(spec)));
const withTensor = (change: Partial<GgufTensorSpec>) => ({
  metadata,
  tensors: [{ ...tinyTensor("a.weight", [4, 64], "Q4_1"), ...change }],
});

describe("The GGUF reader", () => {
  for (const version of [2, 3]) {
    it(`reads metadata, shapes and places of version ${version}`, async () => {
      const bytes = buildGguf({ version, metadata, tensors });
      const file = await readGguf(memorySource(bytes));
      assert.equal(file.metadata.string("general.architecture"), "llama");
      assert.deepEqual(file.metadata.strings("tokenizer.ggml.tokens"), ["a", "é", "🙂"]);
      assert.equal(file.metadata.integer("n"), 7);
      assert.deepEqual(
        file.tensors.map(({ name, shape, encoding, bytes: length }) => [name, shape, encoding.type, length]),
        [
          ["a.weight", [4, 64], "Q4_1", 160],
          ["b.weight", [64], "F32", 256],
          ["c.weight", [2, 32], "Q8_0", 68],
        ],
      );
      for (const [i, { position, bytes: length }] of file.tensors.entries()) {
        assert.deepEqual(bytes.subarray(position, position + length), tensors[i]?.data);
      }
    });
  }

  it("respects the file's own alignment", async () => {
    const file = await read({ metadata: { ...metadata, "general.alignment": u32(256) }, tensors, alignment: 256 });
    for (const { position } of file.tensors) assert.equal(position % 256, 0);
  });

  it("refuses a file cut off anywhere", async () => {
    const bytes = buildGguf({ metadata, tensors });
    const dataEnd = bytes.length - 28; // the last tensor's padding may be missing
    for (let length = 0; length < dataEnd; length += 3) {
      await rejection(readGguf(memorySource(bytes.subarray(0, length))), "IMPORT_CORRUPT", /./);
    }
  });

  it("says how long a truncated file would have to be", async () => {
    const bytes = buildGguf({ metadata, tensors });
    const error = await rejection(readGguf(memorySource(bytes.subarray(0, -60))), "IMPORT_CORRUPT", /truncated/);
    assert.equal(error.facts["neededBytes"], bytes.length - 28);
    assert.equal(error.facts["fileBytes"], bytes.length - 60);
  });

  it("refuses another kind of file", async () => {
    await rejection(
      readGguf(memorySource(Buffer.from("this is a text file, not a model"))),
      "IMPORT_CORRUPT",
      /another kind/,
    );
  });

  it("names versions and byte orders that it does not know", async () => {
    await rejection(read({ version: 1, metadata, tensors }), "IMPORT_UNSUPPORTED", /GGUF version 1/);
    await rejection(read({ version: 0x03000000, metadata, tensors }), "IMPORT_UNSUPPORTED", /big-endian/);
  });

  it("names quantisations that it does not know", async () => {
    for (const [typeId, name] of [
      [16, "IQ2_XXS"],
      [29, "IQ1_M"],
      [34, "TQ1_0"],
      [99, "type 99"],
    ] as const) {
      const error = await rejection(read(withTensor({ typeId })), "IMPORT_UNSUPPORTED", new RegExp(name));
      assert.equal(error.facts["name"], name);
      assert.match(error.advice, /Q4_0.*Q4_K.*Q6_K.*MXFP4/);
    }
  });

  it("refuses counts, lengths and dimensions that the file cannot hold, before allocating for them", async () => {
    const huge = 2n ** 62n;
    await rejection(
      read({ metadata, tensors, tensorCount: huge }),
      "IMPORT_CORRUPT",
      /claims 4611686018427387904 tensors/,
    );
    await rejection(read({ metadata, tensors, metadataCount: huge }), "IMPORT_CORRUPT", /metadata entries/);
    await rejection(read(withTensor({ shape: [2 ** 40, 2 ** 40] })), "IMPORT_CORRUPT", /dimension/);
    await rejection(read(withTensor({ shape: [0, 32] })), "IMPORT_CORRUPT", /dimension of 0/);
    await rejection(read(withTensor({ shape: [1, 1, 1, 1, 32] })), "IMPORT_CORRUPT", /5 dimensions/);
    const bytes = buildGguf({ metadata, tensors });
    bytes.writeBigUInt64LE(huge, 24); // the length of the first key
    await rejection(readGguf(memorySource(bytes)), "IMPORT_CORRUPT", /bytes for the name of metadata entry 0/);
  });

  it("refuses offsets beyond the file and off the alignment", async () => {
    await rejection(read(withTensor({ offset: 2n ** 60n })), "IMPORT_CORRUPT", /offset/);
    await rejection(read(withTensor({ offset: 1n })), "IMPORT_CORRUPT", /offset 1/);
    await rejection(read(withTensor({ offset: 32n })), "IMPORT_CORRUPT", /truncated/);
  });

  it("refuses tensors that share bytes, of which both are named", async () => {
    const overlapping = tensors.map((tensor) => ({ ...tensor, offset: 0n }));
    const error = await rejection(
      read({ metadata, tensors: overlapping }),
      "IMPORT_CORRUPT",
      /the tensors a\.weight and b\.weight overlap/,
    );
    assert.equal(error.facts["other"], "a.weight");
    const [first, second] = tensors;
    assert.ok(first !== undefined && second !== undefined);
    const byOne = [first, { ...second, offset: 128n }];
    await rejection(read({ metadata, tensors: byOne }), "IMPORT_CORRUPT", /overlap/);
    const apart = [first, { ...second, offset: 160n }];
    assert.equal((await read({ metadata, tensors: apart })).tensors.length, 2);
  });

  it("reads every type of value, and lists of them", async () => {
    const values = {
      "tokenizer.ggml.scores": f32s([-1.5, 0, 3]),
      "tokenizer.ggml.token_type": i32s([3, -1]),
      flags: flags([true, false]),
      big: { type: "u64", value: 2n ** 40n },
    } as const;
    const file = await read({ metadata: { ...metadata, ...values }, tensors });
    assert.deepEqual(file.metadata.numbers("tokenizer.ggml.scores"), [-1.5, 0, 3]);
    assert.deepEqual(file.metadata.numbers("tokenizer.ggml.token_type"), [3, -1]);
    assert.deepEqual(file.metadata.booleans("flags"), [true, false]);
    assert.equal(file.metadata.integer("big"), 2 ** 40);
    assert.equal(file.metadata.isList("flags"), true);
  });

  it("steps over long lists that no part of a model needs, whatever is in them, and keeps a tokenizer's", async () => {
    const long = Array.from({ length: 70_000 }, (_, i) => i);
    const words = long.map((i) => `w${i}`);
    const own = { ...metadata, "imatrix.counts": i32s(long), names: texts(words), "tokenizer.ggml.extra": i32s(long) };
    const file = await read({ metadata: own, tensors });
    assert.equal(file.metadata.isList("imatrix.counts"), true);
    assert.throws(() => file.metadata.numbers("imatrix.counts"), /not a list of numbers/);
    assert.throws(() => file.metadata.strings("names"), /not a list of texts/);
    assert.deepEqual(file.metadata.numbers("tokenizer.ggml.extra"), long);
    assert.equal(file.tensors.length, 3);
  });

  it("does not read a list of hundreds of megabytes that it steps over, nor hold it", async () => {
    const bytes = 300 << 20;
    const head = buildGguf({ metadata: { ...metadata, blob: { type: "u8s", count: bytes } }, tensors: [] });
    let read = 0;
    const source: ByteSource = {
      size: head.length + bytes,
      read: async (buffer, position) => {
        read += buffer.length;
        buffer.fill(0);
        if (position < head.length) head.copy(buffer, 0, position);
        return buffer.length;
      },
    };
    assert.equal((await readGgufHeader(source)).metadata.isList("blob"), true);
    assert.ok(read < 4 << 20, `${read} bytes were read`);
  });

  it("refuses lists of more values than any tokenizer has", async () => {
    const count = (1 << 24) + 1;
    const head = buildGguf({ metadata: { ...metadata, "tokenizer.x": { type: "u8s", count } }, tensors: [] });
    await rejection(
      readGgufHeader({ size: head.length + count, read: async (buffer, at) => head.copy(buffer, 0, at) }),
      "IMPORT_CORRUPT",
      /tokenizer\.x lists 16777217 values/,
    );
  });

  it("refuses rows that are no whole blocks, and names that appear twice", async () => {
    await rejection(read(withTensor({ shape: [4, 40] })), "IMPORT_CORRUPT", /rows of 40 elements/);
    const twice = tinyTensor("a.weight", [64]);
    await rejection(read({ metadata, tensors: [twice, twice] }), "IMPORT_CORRUPT", /appears twice/);
  });

  it("stops at the signal", async () => {
    const promise = readGguf(memorySource(buildGguf({ metadata, tensors })), AbortSignal.abort());
    await rejection(promise, "ABORTED", /cancelled/);
  });

  it("answers any damage with a typed error, never with another one", async () => {
    const bytes = buildGguf({ metadata, tensors });
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const damaged = Buffer.from(bytes);
        for (const [at, value] of changes) damaged[at] = value;
        try {
          const file = await readGguf(memorySource(damaged));
          for (const { position, bytes: length } of file.tensors) assert.ok(position + length <= damaged.length);
        } catch (error) {
          assert.ok(error instanceof ResidentError, String(error));
          assert.match(error.code, /^IMPORT_/);
        }
      }),
      { numRuns: 500 },
    );
  });
});
