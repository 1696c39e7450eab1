import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { agentFiles, decodeManifest } from "../../../src/store/manifest";
import { Random } from "../../support/random";
import type { Family } from "../families";
import { kindOf } from "../home/fileCalls";
import { copyFixture } from "../home/fixture";
import { filesUnder } from "../home/leftovers";
import { visit } from "../home/visit";
import { inFolderOf, type World } from "../world";

/** The fixture's files by kind. */
export async function filesByKind(home: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const kinds = new Map<string, string[]>();
  for (const file of await inOrder(home, await filesUnder(home))) {
    const kind = kindOf(home, file);
    kinds.set(kind, [...(kinds.get(kind) ?? []), file]);
  }
  return kinds;
}

/** The same in every copy and every run: ids of agents are random, their order of creation is not. */
async function inOrder(home: string, files: readonly string[]): Promise<readonly string[]> {
  const places = new Map<string, number>();
  for (const file of files) {
    if (path.basename(file) !== agentFiles.manifest) continue;
    places.set(path.basename(path.dirname(file)), decodeManifest(await readFile(file)).index);
  }
  const keyOf = (file: string) =>
    path
      .relative(home, file)
      .split(path.sep)
      .map((part) => places.get(part) ?? part)
      .join("/");
  return [...files].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

export const kindId = (kind: string): string => kind.replaceAll("/", ":");
export const kindOfId = (id: string): string => id.replaceAll(":", "/");

const cases = { quick: 110, full: 1200 };

/** Random damage to every kind of file. */
export const damages: Family = {
  name: "damage",
  limitMs: 45_000,
  async list({ fixture }, { quick }) {
    const kinds = [...(await filesByKind(fixture.home)).keys()];
    const each = Math.ceil((quick ? cases.quick : cases.full) / kinds.length);
    return kinds.flatMap((kind) => Array.from({ length: each }, (_, number) => `${kindId(kind)}/${number}`));
  },
  run: (world, id, seed) =>
    inFolderOf(world, async (folder) => {
      const random = new Random("damage", seed, id);
      const [kind = ""] = id.split("/");
      const { home, truth } = await copyFixture(world.fixture, folder);
      const files = (await filesByKind(home)).get(kindOfId(kind)) ?? [];
      const file = random.pick(files);
      const what = await damage(random, file, files);
      const { verdict } = await visited(world, home, truth, file);
      return { ...verdict, detail: `${what}: ${verdict.detail}` };
    }),
};

/** Visits a home with one damaged file. */
export async function visited(
  world: World,
  home: string,
  truth: Parameters<typeof visit>[1]["truth"],
  file: string,
  more: { readonly mayStay?: boolean } = {},
) {
  const [room, id = ""] = path.relative(home, file).split(path.sep);
  const cacheOnly = isCache(file);
  const victim = room === "agents" && truth.agents.has(id) ? { victim: id } : {};
  const logIsWhole = !/turns[.]log|tokens[.]bin/.test(path.basename(file));
  return { verdict: await visit(world, { home, truth, cacheOnly, logIsWhole, ...victim, ...more }) };
}

/** Blocks, tails and key files: without them all tokens are prefilled again. */
function isCache(file: string): boolean {
  return file.endsWith(".safetensors") || path.basename(file) === "keys.bin";
}

export async function damage(random: Random, file: string, ofKind: readonly string[]): Promise<string> {
  const bytes = await readFile(file);
  const { length } = bytes;
  const at = random.below(length + 1);
  const size = Math.min(1 + random.below(length - at + 1), length - at);
  switch (random.below(9)) {
    case 0: {
      const bits = 1 + random.below(4);
      for (let flipped = 0; flipped < bits && length > 0; flipped += 1) {
        const place = random.below(length);
        bytes[place] = (bytes[place] ?? 0) ^ (1 << random.below(8));
      }
      await writeFile(file, bytes);
      return `${bits} bits flipped`;
    }
    case 1:
      await truncate(file, at);
      return `cut to ${at} bytes of ${length}`;
    case 2:
      await writeFile(file, Buffer.concat([bytes, random.bytes(1 + random.below(200))]));
      return "extended at random";
    case 3:
      await writeFile(file, Buffer.concat([bytes, Buffer.alloc(1 + random.below(5000))]));
      return "extended by zeros";
    case 4:
      await writeFile(file, bytes.fill(0, at, at + size));
      return `${size} bytes at ${at} zeroed`;
    case 5:
      random.bytes(Math.min(size, 64)).copy(bytes, at);
      await writeFile(file, bytes);
      return `overwritten at ${at}`;
    case 6: {
      const other = random.pick(ofKind);
      await writeFile(file, await readFile(other));
      return `replaced by ${other}`;
    }
    case 7:
      await truncate(file, 0);
      return "emptied";
    default:
      await rm(file);
      return "deleted";
  }
}
