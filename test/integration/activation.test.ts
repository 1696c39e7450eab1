import assert from "node:assert/strict";
import * as vscode from "vscode";
import { hostModels } from "./chatModels";
import { extensionId } from "./support";

interface Manifest {
  readonly contributes: {
    readonly commands: readonly { readonly command: string }[];
    readonly views: Readonly<Record<string, readonly { readonly id: string }[]>>;
  };
}

/** Libraries that this process has loaded, of MLX and ours. */
function nativeLibraries(): readonly string[] {
  const report: unknown = process.report?.getReport();
  assert(typeof report === "object" && report !== null && "sharedObjects" in report);
  assert(Array.isArray(report.sharedObjects));
  return report.sharedObjects.filter((file) => typeof file === "string" && /resident\.node|libmlx/.test(file));
}

function extension(): vscode.Extension<unknown> {
  const found = vscode.extensions.getExtension(extensionId);
  assert(found, `${extensionId} is not there`);
  return found;
}

function manifest(): Manifest {
  const { packageJSON }: { readonly packageJSON: Manifest } = extension();
  return packageJSON;
}

describe("activation", () => {
  before(async () => {
    const startedAt = performance.now();
    await extension().activate();
    console.log(`      activated in ${(performance.now() - startedAt).toFixed(0)} ms`);
  });

  it("loads no native code: addon and model wait for the first need", () => {
    assert.deepEqual(nativeLibraries(), []);
  });

  it("lists its models for VS Code's chat without native code too", async () => {
    const startedAt = performance.now();
    assert.ok((await hostModels()).length > 0);
    console.log(`      listed in ${(performance.now() - startedAt).toFixed(0)} ms`);
    assert.deepEqual(nativeLibraries(), []);
  });

  it("registers every command that package.json names", async () => {
    const registered = new Set(await vscode.commands.getCommands(true));
    const missing = manifest()
      .contributes.commands.map(({ command }) => command)
      .filter((command) => !registered.has(command));
    assert.deepEqual(missing, []);
  });

  it("contributes the three views, each of which can be shown", async () => {
    const ids = Object.values(manifest().contributes.views).flatMap((views) => views.map(({ id }) => id));
    assert.deepEqual([...ids].sort(), ["resident.agents", "resident.room", "resident.status"]);
    for (const id of ids) await vscode.commands.executeCommand(`${id}.focus`);
  });
});
