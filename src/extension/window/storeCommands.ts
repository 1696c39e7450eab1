import * as vscode from "vscode";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { createFormats } from "../../common/format";
import type { FileTotals, ResidentService, StoreStats, StoreVerification } from "../../protocol/service";
import { flagField } from "../commands/commandArguments";
import type { CommandRegistry } from "../commands/commandRegistry";
import { withJobProgress } from "../commands/progress";
import { commands } from "../contributions";
import type { ServiceHandle } from "../engine/serviceHandle";

/** Commands about what is saved on disk. Each returns what it found or did. */
export function registerStoreCommands(registry: CommandRegistry, service: ServiceHandle): Disposable {
  const store = new DisposableStore();
  const register = (id: (typeof commands)[keyof typeof commands], work: StoreWork) =>
    store.add(registry.register(id, async (argument) => work(await service.get(), argument)));

  register(commands.storeStatistics, async (door) => {
    const stats = await door.storeStats();
    tell(statsText(stats));
    return stats;
  });
  register(commands.verifyStore, async (door) => {
    const verification = await withJobProgress("Verifying saved blocks", (onProgress, signal) =>
      door.verifyStore(onProgress, signal),
    );
    tell(verificationText(verification));
    return verification;
  });
  register(commands.collectStore, async (door) => {
    const collection = await door.collectStore();
    tell(`Removed what no agent refers to: ${filesText(collection.removed)}.`);
    return collection;
  });
  register(commands.repairStore, async (door) => {
    const repair = await withJobProgress("Repairing the store", (onProgress, signal) =>
      door.repairStore(onProgress, signal),
    );
    const agents = repair.agents.length === 0 ? "" : ` ${count(repair.agents.length)} agents were repaired.`;
    tell(`${verificationText(repair.verification)} Removed: ${filesText(repair.removed)}.${agents}`);
    return repair;
  });
  register(commands.forgetEverything, forgetEverything);
  return store;
}

type StoreWork = (door: ResidentService, argument: unknown) => Promise<unknown>;

/** Argument: force (does not ask). Returns what was deleted. */
async function forgetEverything(door: ResidentService, argument: unknown): Promise<unknown> {
  const { agents, agentFiles, objects, bytes } = await door.storeStats();
  if (!flagField(argument, "force")) {
    const detail = [
      `${count(agents)} agents with their conversations: ${filesText(agentFiles)}.`,
      `What they have read, saved for later: ${filesText({ objects, bytes })}.`,
      "Models and settings stay. This cannot be undone.",
    ].join("\n");
    const answer = await vscode.window.showWarningMessage(
      "Delete all agents and all that they have saved?",
      { modal: true, detail },
      "Delete Everything",
    );
    if (answer !== "Delete Everything") return undefined;
  }
  return door.forgetEverything();
}

function statsText({ objects, bytes, quotaBytes, freeDiskBytes, unreferenced, agents, unknown }: StoreStats): string {
  const { bytesOf, bytes: sized } = formats();
  return [
    `${count(objects)} saved blocks of ${count(agents)} agents: ${bytesOf(bytes, quotaBytes)}, ${sized(freeDiskBytes)} free on the disk.`,
    `No agent refers to ${filesText(unreferenced)}.`,
    ...(unknown.length === 0 ? [] : [`${count(unknown.length)} agents cannot be read.`]),
  ].join(" ");
}

function verificationText({ checked, problems, stopped }: StoreVerification): string {
  const [first] = problems;
  const found =
    first === undefined
      ? "No damage was found."
      : `${count(problems.length)} files are damaged or cannot be read, the first: ${first.reason}.`;
  return `${stopped ? "Stopped; verified so far" : "Verified"}: ${filesText(checked)}. ${found}`;
}

function filesText({ objects, bytes }: FileTotals): string {
  return `${count(objects)} files, ${formats().bytes(bytes)}`;
}

function count(value: number): string {
  return formats().count(value);
}

function formats() {
  return createFormats(vscode.env.language);
}

/** Does not wait for the person. */
function tell(message: string): void {
  void vscode.window.showInformationMessage(message);
}
