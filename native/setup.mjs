#!/usr/bin/env node
/**
 * Makes a fresh checkout ready: npm packages, the pinned MLX of this platform, the native addon, the bundles and the
 * starter model.
 *
 *   node native/setup.mjs                    everything that is not there yet, or no longer up to date
 *   node native/setup.mjs --only mlx,addon   these parts: mlx, addon, build, model, clang-format
 *
 * Plain Node: it runs before any package is installed. Every part is made whole or not at all, so that an interrupted
 * set-up goes on where it was. RESIDENT_VERBOSE=1 shows what the tools say.
 */
import { SetupError } from "./setup/errors.mjs";
import { withLock } from "./setup/lock.mjs";
import { parts, usualParts } from "./setup/parts.mjs";
import { clearStamp, isCurrent, writeStamp } from "./setup/stamps.mjs";
import { requireTools } from "./setup/tools.mjs";

const say = (text) => console.log(`[set-up] ${text}`);

/** Packages always; of the rest what was asked for, and what that needs. */
function chosenParts(args) {
  const at = args.indexOf("--only");
  const names = at === -1 ? usualParts : (args[at + 1] ?? "").split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !parts.some((part) => part.name === name));
  if (unknown !== undefined) {
    throw new SetupError(`there is no part "${unknown}"`, `choose among ${parts.map((part) => part.name).join(", ")}`);
  }
  const wanted = new Set([
    "packages",
    ...names,
    ...parts.flatMap((part) => (names.includes(part.name) ? (part.needs ?? []) : [])),
  ]);
  return parts.filter((part) => wanted.has(part.name));
}

const upToDate = (part) => (part.isCurrent ? part.isCurrent() : isCurrent(part.name, part.key(), part.outputs));

/** Later parts are made from earlier ones, so a part is looked at again when its turn comes. */
async function setUp(chosen) {
  requireTools([...new Set(["node", ...chosen.filter((part) => !upToDate(part)).flatMap((part) => part.tools)])]);
  await fetchAll(chosen.filter((part) => part.isFetched));
  for (const part of chosen.filter((part) => !part.isFetched)) await make(part);
}

/**
 * npm and pip at once: they need nothing of each other and mostly wait for the network. Only one pip at a time: pyenv, where
 * it is in use, locks its folder behind each. A part that fails leaves the others whole.
 */
async function fetchAll(fetched) {
  const withPip = async () => {
    for (const part of fetched.filter(({ tools }) => tools.includes("python"))) await make(part);
  };
  const others = fetched.filter(({ tools }) => !tools.includes("python"));
  const results = await Promise.allSettled([withPip(), ...others.map(make)]);
  const failed = results.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}

async function make(part) {
  if (upToDate(part)) {
    say(`${part.title}: ready`);
    return;
  }
  say(`${part.title} …`);
  const startedAt = Date.now();
  clearStamp(part.name);
  const key = part.key?.();
  await part.make();
  if (key !== undefined) writeStamp(part.name, key);
  say(`${part.title}: done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
}

const startedAt = Date.now();
try {
  const chosen = chosenParts(process.argv.slice(2));
  await withLock(say, () => setUp(chosen));
  say(`ready after ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  console.error(`[set-up] stopped: ${error.message}\n[set-up] what to do:\n  ${error.advice}`);
  process.exitCode = 1;
}
