import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { ResidentError } from "../../../src/common/errors";
import { toIoError } from "../../../src/models/ioErrors";

const failure = (code: string) => Object.assign(new Error(`${code}: write`), { code, syscall: "write", errno: -1 });

describe("Failed file operations", () => {
  it("on a full disk or over the quota say so", () => {
    for (const code of ["ENOSPC", "EDQUOT"]) {
      const error = toIoError(failure(code), "the import", "/models/a");
      assert.ok(error instanceof ResidentError);
      assert.equal(error.code, "DISK_FULL");
      assert.equal(error.facts["path"], "/models/a");
    }
  });

  it("of other kinds carry the system's reason", async () => {
    const reason: unknown = await readFile("/no/such/file").catch((error: unknown) => error);
    const error = toIoError(reason, "reading", "/no/such/file");
    assert.ok(error instanceof ResidentError);
    assert.equal(error.code, "IO_FAILURE");
    assert.match(error.what, /ENOENT/);
  });

  it("do not hide errors of the program", () => {
    const bug = new RangeError("out of bounds");
    assert.equal(toIoError(bug, "reading", "x"), bug);
  });
});
