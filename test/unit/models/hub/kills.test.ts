import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { temporaryFolder } from "../../../support/models/folders";
import { FakeHub } from "../../../support/models/hub/fakeHub";
import { assertNoModel, assertWhole, fakeModel, smallParts } from "../../../support/models/hub/hubRig";
import { Random } from "../../../support/random";

const kills = 20;
const seed = process.env["RESIDENT_SEED"] ?? `${Date.now()}`;

/** `afterMs`: from the first byte that it gets to its SIGKILL. */
function runDownload(program: string, hub: FakeHub, folder: string, name: string, afterMs: number | undefined) {
  const child = spawn(process.execPath, [program, hub.url, folder, name], { stdio: ["ignore", "ignore", "pipe"] });
  const requested = hub.requests.length;
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  let killing: NodeJS.Timeout | undefined;
  const watch = setInterval(() => {
    const isLoading = hub.requests.slice(requested).some(({ host }) => host === "store");
    if (!isLoading || afterMs === undefined || killing !== undefined) return;
    killing = setTimeout(() => {
      // What is sent to a process that dies would count as sent to it.
      hub.breakOff();
      child.kill("SIGKILL");
    }, afterMs);
  }, 1);
  return new Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }>(
    (done, failed) => {
      child.once("error", failed);
      child.once("close", (code, signal) => {
        clearInterval(watch);
        clearTimeout(killing);
        done({ code, signal, stderr });
      });
    },
  );
}

describe("A download whose process is killed again and again", () => {
  const folder = temporaryFolder();

  it(`ends whole after ${kills} kills at random times, and each cost at most one part (seed ${seed})`, async function () {
    this.timeout(120_000);
    const program = join(folder.path, "download.cjs");
    const source = resolve("test", "support", "models", "hub", "downloadProcess.ts");
    const bundle = [`--outfile=${program}`, "--bundle", "--platform=node", "--log-level=error"];
    execFileSync(process.execPath, [resolve("node_modules", "esbuild", "bin", "esbuild"), source, ...bundle]);
    const random = new Random("kills", seed);
    const hub = await FakeHub.start();
    try {
      const name = "maker/Model-4bit";
      const model = fakeModel(name, 6_000_000);
      hub.add(model);
      hub.pace = { chunkBytes: 2048, delayMs: 4 };
      let killed = 0;
      while (killed < kills) {
        const { signal, stderr } = await runDownload(program, hub, folder.path, name, random.below(80));
        assert.equal(signal, "SIGKILL", `the download ended before it was killed ${kills} times: ${stderr}`);
        killed += 1;
        await assertNoModel(folder.path);
      }
      hub.pace = undefined;
      const { code, stderr } = await runDownload(program, hub, folder.path, name, undefined);
      assert.equal(code, 0, stderr);
      await assertWhole(join(folder.path, "models", "Model-4bit"), model);
      assert.deepEqual(await readdir(join(folder.path, "models")), ["Model-4bit"]);
      assertCheap(hub, killed);
    } finally {
      await hub.stop();
    }
  });
});

/** What was sent more than once, in all, is at most one part for each kill: the parts of blocks that were on their way. */
function assertCheap(hub: FakeHub, killed: number): void {
  const { blockBytes, blocksPerRange, connections } = smallParts;
  let again = 0;
  for (const counts of hub.sent.values()) for (const count of counts) again += Math.max(0, count - 1);
  const partBytes = blockBytes * blocksPerRange;
  const onTheWire = connections * 2048;
  assert.ok(again > 0, "no kill met a part on its way");
  assert.ok(again <= killed * (partBytes + onTheWire), `${again} bytes came again after ${killed} kills`);
}
