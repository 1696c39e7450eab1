import { execFile } from "node:child_process";
import { cp, mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { Random } from "../../support/random";
import { place, placed } from "../../support/store/placed";
import type { Family } from "../families";
import { copyFixture } from "../home/fixture";
import { inFolderOf } from "../world";
import { filesByKind, kindId, kindOfId, visited } from "./damages";

const run = promisify(execFile);

/** A special file in place of a file of every kind, and in place of the folders. */
export const specialFiles: Family = {
  name: "special",
  limitMs: 45_000,
  async list({ fixture }) {
    const files = [...(await filesByKind(fixture.home)).keys()];
    return files.flatMap((file) => Object.keys(placed).map((kind) => `${kindId(file)}/${kind}`));
  },
  run: (world, id, seed) =>
    inFolderOf(world, async (folder) => {
      const [where = "", kind = ""] = id.split("/");
      const { home, truth } = await copyFixture(world.fixture, folder);
      const file = new Random("special", seed, id).pick((await filesByKind(home)).get(kindOfId(where)) ?? []);
      await place(kind, file);
      const { verdict } = await visited(world, home, truth, file, { mayStay: path.basename(file) === "lock" });
      return verdict;
    }),
};

/** Foreign entries among the agents' folders, which must have no effect. */
const strays: Readonly<Record<string, (home: string) => Promise<unknown>>> = {
  "file among agents": (home) => writeFile(path.join(home, "agents", "notes.txt"), "mine"),
  "empty folder among agents": (home) => mkdir(path.join(home, "agents", "0123456789abcdef")),
  "fifo among agents": (home) => run("mkfifo", [path.join(home, "agents", "fedcba9876543210")]),
  "endless link among agents": (home) => symlink("/dev/zero", path.join(home, "agents", "aaaabbbbccccdddd")),
  "folder of another name": async (home) => {
    const [source = ""] = (await filesByKind(home)).get("agents/*/manifest.json") ?? [];
    await cp(path.dirname(source), path.join(home, "agents", "Copy of agent"), { recursive: true });
  },
  "file among blocks": (home) => writeFile(path.join(home, "store", "notes.txt"), "mine"),
  "fifo among blocks": async (home) => {
    const [object = ""] = (await filesByKind(home)).get("store/*/*/*.safetensors") ?? [];
    await run("mkfifo", [path.join(path.dirname(object), `${"f".repeat(64)}.safetensors`)]);
  },
  "folder among blocks": async (home) => {
    const [object = ""] = (await filesByKind(home)).get("store/*/*/*.safetensors") ?? [];
    await mkdir(path.join(path.dirname(object), `${"e".repeat(64)}.safetensors`));
  },
  "no store": (home) => rm(path.join(home, "store"), { recursive: true }),
  "file in place of the store": async (home) => {
    await rename(path.join(home, "store"), path.join(home, "old"));
    await writeFile(path.join(home, "store"), "no folder");
  },
};

export const strayFiles: Family = {
  name: "stray",
  limitMs: 45_000,
  list: async () => Object.keys(strays),
  run: (world, id) =>
    inFolderOf(world, async (folder) => {
      const { home, truth } = await copyFixture(world.fixture, folder);
      await strays[id]?.(home);
      const { verdict } = await visited(world, home, truth, path.join(home, "store"));
      return verdict;
    }),
};
