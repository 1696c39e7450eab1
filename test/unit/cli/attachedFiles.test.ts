import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArguments } from "../../../src/cli/arguments";
import { readAttachments } from "../../../src/cli/attachedFiles";
import { generateSpec } from "../../../src/cli/generate";
import { temporaryFolder } from "../../support/models/folders";

describe("Files that --attach names", () => {
  const folder = temporaryFolder();
  const text = "one\ntwo\nthree\n";

  async function read(...names: readonly string[]) {
    await writeFile(path.join(folder.path, "a.txt"), text);
    const given = names.map((name) => `--attach=${path.join(folder.path, name)}`);
    return readAttachments(parseArguments(generateSpec, ["--prompt=x", "--agent=ada", ...given]));
  }

  it("are whole or some of their lines, in order", async () => {
    const [whole, part, line] = await read("a.txt", "a.txt:2-3", "a.txt:1-1");
    const at = path.join(folder.path, "a.txt").split(path.sep).join("/");
    const digest = (said: string) => createHash("sha256").update(said).digest("hex");
    assert.deepEqual(whole, { kind: "file", path: at, digest: digest(text), text });
    assert.deepEqual(part, {
      ...{ kind: "file", path: at, range: { from: 2, to: 3 } },
      ...{ digest: digest("two\nthree"), text: "two\nthree" },
    });
    assert.equal(line?.text, "one");
    assert.deepEqual(await read(), []);
  });

  it("are refused where they or their lines are not there", async () => {
    await assert.rejects(read("b.txt"), { code: "IO_FAILURE" });
    for (const lines of ["0-1", "3-2", "2-9"]) await assert.rejects(read(`a.txt:${lines}`), { code: "USAGE" });
  });
});
