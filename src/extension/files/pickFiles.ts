import * as vscode from "vscode";
import type { FoundFile } from "../../protocol/chatFiles";
import type { WorkspaceFiles } from "./workspaceFiles";

export interface PickOptions {
  readonly title: string;
  readonly only: "files" | "folders" | "both";
  readonly many: boolean;
}

interface FileItem extends vscode.QuickPickItem {
  readonly path: string;
}

/** The person searches the workspace and chooses. What was chosen stays in the list, whatever is typed. */
export async function pickFiles(
  workspace: WorkspaceFiles,
  options: PickOptions,
): Promise<readonly string[] | undefined> {
  const list = vscode.window.createQuickPick<FileItem>();
  let serial = 0;
  let chosen: readonly FileItem[] = [];
  const show = async (typed: string) => {
    const own = ++serial;
    list.busy = true;
    const found = await workspace.find(typed);
    if (own !== serial) return;
    const paths = new Set(chosen.map(({ path }) => path));
    const others = found.filter((file) => isWanted(file, options.only) && !paths.has(file.path)).map(itemOf);
    list.items = [...chosen, ...others];
    list.selectedItems = chosen;
    list.busy = false;
  };
  try {
    return await new Promise((resolve, reject) => {
      list.title = options.title;
      list.placeholder = options.only === "folders" ? "Search folders" : "Search files";
      list.canSelectMany = options.many;
      const refresh = (typed: string) => show(typed).catch(reject);
      list.onDidChangeValue(refresh);
      list.onDidChangeSelection((selected) => {
        chosen = selected;
      });
      list.onDidAccept(() => {
        const accepted = list.selectedItems.length > 0 ? list.selectedItems : list.activeItems.slice(0, 1);
        resolve(accepted.map(({ path }) => path));
      });
      list.onDidHide(() => resolve(undefined));
      void refresh("");
      list.show();
    });
  } finally {
    list.dispose();
  }
}

function isWanted({ isFolder }: FoundFile, only: PickOptions["only"]): boolean {
  return only === "both" || isFolder === (only === "folders");
}

/** VS Code compares what is typed with labels in its own way: it is to show all. */
function itemOf({ path, isFolder }: FoundFile): FileItem {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const above = path.slice(0, Math.max(0, path.length - name.length - 1));
  return { path, label: `$(${isFolder ? "folder" : "file"}) ${name}`, description: above, alwaysShow: true };
}

/** Of a folder: its listing, files in it, or both. */
export async function pickInFolder(
  folder: string,
  paths: readonly string[],
): Promise<{ readonly listing: boolean; readonly paths: readonly string[] } | undefined> {
  const listing: vscode.QuickPickItem & { readonly path?: string } = {
    label: "$(list-tree) Listing",
    description: "which files it has",
    picked: true,
  };
  const files = paths.map((path) => ({ label: `$(file) ${path}`, path }));
  const chosen = await vscode.window.showQuickPick([listing, ...files], {
    title: `Attach from ${folder}`,
    placeHolder: "The listing, files, or both",
    canPickMany: true,
  });
  return chosen && { listing: chosen.includes(listing), paths: chosen.flatMap(({ path }) => path ?? []) };
}
