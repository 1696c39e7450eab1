import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import { Random } from "../../support/random";
import { FakeLocks } from "../../support/store/fakes";
import type { Family } from "../families";
import { aftermath } from "../home/aftermath";
import { type Fault, WatchedFolder, watch } from "../home/fileCalls";
import { copyFixture } from "../home/fixture";
import { messageOf } from "../home/judge";
import { filesUnder } from "../home/leftovers";
import { Program } from "../home/program";
import { scenarioOf, scenarios } from "../scenarios";
import { type Finding, type Verdict, verdictOf, wrong } from "../verdict";
import { inFolderOf, type World } from "../world";
import { callId, callOfId, callsOf } from "./recorded";

const reading = ["EIO", "EACCES", "EMFILE"];
const writing = ["EIO", "ENOSPC"];

/** Possible faults of a call, by its kind. "half ENOSPC": half of it is done. */
const faultsOf: Readonly<Record<string, readonly string[]>> = {
  open: ["EIO", "EACCES", "EMFILE", "ENOSPC"],
  readFile: [...reading, "short"],
  "handle.read": ["EIO", "short"],
  "handle.readFile": ["EIO", "short"],
  readdir: reading,
  opendir: reading,
  stat: ["EIO", "EACCES"],
  lstat: ["EIO", "EACCES"],
  "handle.stat": ["EIO"],
  writeFile: [...writing, "EACCES", "EMFILE", "half ENOSPC"],
  "handle.writeFile": [...writing, "half ENOSPC"],
  "handle.write": [...writing, "half ENOSPC", "short"],
  "handle.sync": writing,
  "handle.datasync": writing,
  "handle.truncate": writing,
  "handle.close": ["half EIO"],
  rename: ["EIO", "EACCES", "ENOSPC"],
  mkdir: ["EACCES", "ENOSPC"],
  copyFile: [...writing, "EMFILE", "half ENOSPC"],
  utimes: ["EACCES"],
};
const otherwise = ["EIO", "EACCES"];

function faultOf(name: string): Fault {
  if (name === "short") return { type: "short" };
  const half = name.startsWith("half ");
  return { type: "error", code: half ? name.slice(5) : name, half };
}

const quickCases = 100;

/** Every file-system call of every scenario fails once. */
export const callFaults: Family = {
  name: "call",
  limitMs: 60_000,
  async list(world, { quick, seed }) {
    const ids: string[] = [];
    for (const scenario of Object.keys(scenarios)) {
      for (const call of await callsOf(world, scenario)) {
        for (const fault of faultsOf[call.operation] ?? otherwise) ids.push(`${scenario}/${callId(call)}/${fault}`);
      }
    }
    return quick ? new Random("calls", seed).sample(ids, quickCases) : ids;
  },
  run: (world, id) => inFolderOf(world, (folder) => runOne(world, folder, id)),
};

async function runOne(world: World, folder: string, id: string): Promise<Verdict> {
  const [scenario = "", call = "", fault = ""] = id.split("/");
  const { home, truth } = await copyFixture(world.fixture, folder);
  const objects = await objectsIn(home);
  const watched = new WatchedFolder(home, { call: callOfId(call), fault: faultOf(fault) });
  const stop = watch(watched);
  const program = new Program({
    home,
    model: world.model,
    locks: new FakeLocks(),
    journal: (entry) => truth.apply(entry),
  });
  const findings: Finding[] = [];
  let refusal: string | undefined;
  try {
    for (const step of scenarioOf(scenario)) {
      try {
        await program.take(step);
      } catch (error) {
        refusal ??= messageOf(error);
        if (!isTyped(error)) findings.push(wrong(`${step.do} ends with ${messageOf(error)}`));
        if (step.do === "ask" && isOfCache(call))
          findings.push(wrong(`what is only a cache refuses a turn: ${refusal}`));
        watched.disarm();
        findings.push(...(await tryAgain(program, step)));
      }
    }
    watched.disarm();
  } finally {
    await program.close();
    await stop();
  }
  if (!scenario.startsWith("delete")) {
    const after = new Set(await objectsIn(home));
    if (objects.some((object) => !after.has(object))) findings.push(wrong("a good block file was removed"));
  }
  if (findings.length === 0) findings.push(...(await aftermath(world, home, truth)));
  const outcome = refusal === undefined ? "harmless" : "refused";
  return verdictOf(findings, { outcome, detail: watched.hit ? (refusal ?? "") : "the call did not come" });
}

function isTyped(error: unknown): boolean {
  return error instanceof ResidentError && error.code !== "INTERNAL";
}

/** Blocks and tails: without them all tokens are prefilled again. */
function isOfCache(call: string): boolean {
  return callOfId(call).file.includes(".safetensors") || callOfId(call).file.startsWith("store");
}

/** Repeats the step without faults: it must succeed now, or have been done already. */
async function tryAgain(program: Program, step: Parameters<Program["take"]>[0]): Promise<readonly Finding[]> {
  try {
    await program.take(step);
    return [];
  } catch (error) {
    const isDone = step.do === "delete" && error instanceof ResidentError && error.code === "AGENT_NOT_FOUND";
    return isDone ? [] : [wrong(`${step.do} fails once more without a fault: ${messageOf(error)}`)];
  }
}

async function objectsIn(home: string): Promise<readonly string[]> {
  return (await filesUnder(path.join(home, "store"))).filter((file) => file.endsWith(".safetensors"));
}
