import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "../../../../src/extension/acting/processRun";

describe("a command in a process of our own", () => {
  let cwd: string;
  let printed: string;
  beforeEach(() => {
    cwd = realpathSync(mkdtempSync(join(tmpdir(), "resident run ")));
    printed = "";
  });
  afterEach(() => rmSync(cwd, { recursive: true, force: true }));

  const run = (command: string, signal = new AbortController().signal) =>
    runProcess(
      { command, shell: "/bin/sh", cwd },
      (data) => {
        printed += data;
      },
      signal,
    );

  it("runs in its folder, and gives all that it prints and its exit code", async () => {
    assert.deepEqual(await run("pwd; echo wrong >&2; exit 3"), { exitCode: 3 });
    assert.ok(printed.includes(cwd) && printed.includes("wrong"));
    assert.deepEqual(await run("true"), { exitCode: 0 });
  });

  it("never gives half a character", async () => {
    await run("printf '\\360\\237'; sleep 0.1; printf '\\216\\210'");
    assert.equal(printed, "🎈");
  });

  it("gets no input, and no pager", async () => {
    assert.deepEqual(await run("cat; echo $PAGER"), { exitCode: 0 });
    assert.equal(printed, "cat\n");
  });

  it("is ended with all that it started", async () => {
    const stop = new AbortController();
    const ended = run(
      "sleep 100 & echo $! > child; trap '' TERM; echo ready; while :; do sleep 0.05; done",
      stop.signal,
    );
    while (!printed.includes("ready")) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    assert.deepEqual(await ended, {});
    const child = Number(readFileSync(join(cwd, "child"), "utf8"));
    assert.throws(() => process.kill(child, 0), { code: "ESRCH" });
  });

  it("that prints for ever is ended as well", async () => {
    const stop = new AbortController();
    const ended = run("yes", stop.signal);
    while (printed.length < 1_000_000) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    assert.deepEqual(await ended, {});
  });

  it("is not waited for by what it left in the background", async () => {
    const startedAt = Date.now();
    assert.deepEqual(await run("sleep 100 & exit 0"), { exitCode: 0 });
    assert.ok(Date.now() - startedAt < 5000);
  });

  it("that cannot be started says so, and one that was stopped before is not started", async () => {
    const nowhere = runProcess(
      { command: "true", shell: "/bin/sh", cwd: join(cwd, "gone") },
      () => {},
      new AbortController().signal,
    );
    await assert.rejects(nowhere, { code: "IO_FAILURE" });
    const stopped = new AbortController();
    stopped.abort();
    assert.deepEqual(await run("touch made", stopped.signal), {});
    assert.throws(() => readFileSync(join(cwd, "made")));
  });
});
