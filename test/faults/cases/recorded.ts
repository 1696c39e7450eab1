import { FakeLocks } from "../../support/store/fakes";
import { type CallName, nameText, WatchedFolder, watch } from "../home/fileCalls";
import { copyFixture } from "../home/fixture";
import { Program } from "../home/program";
import { scenarioOf } from "../scenarios";
import { inFolderOf, type World } from "../world";

/** Keeps the first ones and the last of calls that differ only in the file's number. */
const firstOfKind = 2;

/** The calls of a scenario without faults. */
export async function callsOf(world: World, scenario: string): Promise<readonly CallName[]> {
  const all = await allCallsOf(world, scenario);
  return all.filter(({ operation, file, nth }) => {
    const isLast = !all.some((other) => other.operation === operation && other.file === file && other.nth > nth);
    return nth <= firstOfKind || isLast;
  });
}

function allCallsOf(world: World, scenario: string): Promise<readonly CallName[]> {
  return inFolderOf(world, async (folder) => {
    const { home } = await copyFixture(world.fixture, folder);
    const watched = new WatchedFolder(home);
    const stop = watch(watched);
    try {
      const program = new Program({ home, model: world.model, locks: new FakeLocks() });
      for (const step of scenarioOf(scenario)) await program.take(step);
      await program.close();
    } finally {
      await stop();
    }
    return watched.calls;
  });
}

/** A call as text, for a case's id. */
export const callId = (call: CallName): string => nameText(call).replaceAll("/", ":");

export function callOfId(id: string): CallName {
  const [operation = "", file = "", nth = ""] = id.split(" ");
  return { operation, file: file.replaceAll(":", "/"), nth: Number(nth) };
}
