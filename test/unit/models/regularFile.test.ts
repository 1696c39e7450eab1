import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FileSource } from "../../../src/models/fileSource";
import { type ReadableHandle, readFully, readRegularFile } from "../../../src/models/regularFile";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { specialFiles } from "../../support/models/specialFiles";

describe("Reading a regular file", () => {
  const folder = temporaryFolder();
  const file = () => join(folder.path, "file");

  it("gives all of it, up to the size that it may have", async () => {
    await writeFile(file(), "0123456789");
    assert.equal((await readRegularFile(file(), 10)).toString(), "0123456789");
    const { facts } = await rejection(readRegularFile(file(), 9), "IO_FAILURE", /has 10 bytes, more than the 9/);
    assert.deepEqual([facts["bytes"], facts["maxBytes"]], [10, 9]);
    await assert.rejects(readRegularFile(join(folder.path, "none"), 10), { code: "ENOENT" });
  });

  for (const [kind, put] of Object.entries(specialFiles)) {
    it(`refuses a ${kind} at once`, async () => {
      await put(file());
      await rejection(readRegularFile(file(), 10), "IO_FAILURE", /is not a regular file/);
      await rejection(FileSource.open(file()), "IO_FAILURE", /is not a regular file/);
    });
  }

  it("goes on after a read that gave less than was asked for", async () => {
    const bytes = Buffer.from("0123456789");
    const handle: ReadableHandle = {
      read: async (buffer, offset, length, position) => ({
        bytesRead: bytes.copy(buffer, offset, position, Math.min(position + length, position + 3)),
      }),
    };
    const into = Buffer.alloc(20);
    assert.equal(await readFully(handle, into, 2), 8);
    assert.equal(into.toString("latin1", 0, 8), "23456789");
  });
});
