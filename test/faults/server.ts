import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { writeFakeModel } from "../support/agents/fakeRuntime";
import { families, familyOf } from "./cases/all";
import type { RunOptions } from "./families";
import { makeFixture, readFixture } from "./home/fixture";
import { messageOf } from "./home/judge";
import { Oracle } from "./home/oracle";
import type { Verdict } from "./verdict";
import type { World } from "./world";

/** Requests of the runner to a server, one at a time. */
export type ServerRequest =
  /** Makes the files that all servers share, and lists the cases. */
  { readonly type: "list" } | { readonly type: "run"; readonly id: string };

export type ServerReply =
  | { readonly type: "ready" }
  | { readonly type: "stage"; readonly what: string }
  | { readonly type: "list"; readonly ids: readonly string[] }
  | { readonly type: "verdict"; readonly id: string; readonly verdict: Verdict };

/** More than any correct case uses: ids and texts of the largest forgeries, 30 MB, take half of it. */
const memoryLimitMb = 1000;

/** Runs cases in a process of their own: a case that ends it or hangs does not affect other processes. */
export async function serve(scratch: string, options: RunOptions): Promise<void> {
  let world: World | undefined;
  const model = path.join(scratch, "models", "starter");
  const open = async (isFirst: boolean): Promise<World> => {
    if (isFirst) await writeFakeModel(model);
    const fixture = isFirst ? await makeFixture(scratch, model) : await readFixture(scratch);
    await mkdir(path.join(scratch, "oracles"), { recursive: true });
    const oracle = new Oracle(await mkdtemp(path.join(scratch, "oracles", "home-")), model);
    const stage = (what: string) => void process.send?.({ type: "stage", what } satisfies ServerReply);
    return { scratch, model, fixture, oracle, stage };
  };
  process.on("message", (request: ServerRequest) => {
    const reply = async (): Promise<ServerReply> => {
      world ??= await open(request.type === "list");
      if (request.type === "list") return { type: "list", ids: await listAll(world, options) };
      return { type: "verdict", id: request.id, verdict: await runOne(world, request.id, options) };
    };
    reply().then(
      (done) => process.send?.(done),
      (error: unknown) => {
        process.stderr.write(`${messageOf(error)}\n`);
        process.exit(3);
      },
    );
  });
  process.send?.({ type: "ready" } satisfies ServerReply);
}

/** Linux records the largest size of a process and can reset it; on other systems the size is unknown. */
async function forgetPeak(): Promise<void> {
  await writeFile("/proc/self/clear_refs", "5").catch(() => {});
}

async function peakBytes(): Promise<number> {
  const status = await readFile("/proc/self/status", "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

async function listAll(world: World, options: RunOptions): Promise<readonly string[]> {
  const ids: string[] = [];
  // Listing takes time: only list the family whose name the case begins with.
  const asked = families.find(({ name }) => options.only?.startsWith(`${name}/`));
  for (const family of asked === undefined ? families : [asked]) {
    for (const id of await family.list(world, options)) ids.push(`${family.name}/${id}`);
  }
  return ids;
}

async function runOne(world: World, id: string, { seed }: RunOptions): Promise<Verdict> {
  const { family, rest } = familyOf(id);
  const before = process.memoryUsage.rss();
  await forgetPeak();
  const verdict = await family.run(world, rest, seed);
  const peakMb = Math.max(0, (await peakBytes()) - before) / 1_048_576;
  if (peakMb <= memoryLimitMb) return verdict;
  return { outcome: "crashed", detail: `it took ${Math.round(peakMb)} MB of memory; ${verdict.detail}` };
}
