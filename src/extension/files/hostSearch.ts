import * as vscode from "vscode";

/** File systems whose files VS Code finds, and those of which it never says anything, by scheme. */
const searched = new Set(["file", "vscode-remote"]);
const silent = new Set<string>();
/** A file system that nobody has searched yet is waited for no longer than this, once. */
const firstAnswerMs = 2000;

/**
 * Files below a folder as VS Code's own search finds them. `undefined`: nobody can search this file system. VS Code does not say so: it
 * waits until something comes that can.
 */
export async function foundByHost(
  folder: vscode.Uri,
  glob: string,
  exclude: string | null | undefined,
  most: number,
  token?: vscode.CancellationToken,
): Promise<readonly vscode.Uri[] | undefined> {
  const { scheme } = folder;
  if (silent.has(scheme)) return undefined;
  const pattern = new vscode.RelativePattern(folder, glob);
  const found = vscode.workspace.findFiles(pattern, exclude, most, token);
  if (searched.has(scheme)) return found;
  const answer = await within(found, firstAnswerMs);
  (answer === undefined ? silent : searched).add(scheme);
  return answer;
}

/** The promise's value; `undefined` when it has none in time. */
function within<T>(promise: Thenable<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => resolve(undefined), ms);
    promise.then(resolve, reject).then(() => clearTimeout(limit));
  });
}
