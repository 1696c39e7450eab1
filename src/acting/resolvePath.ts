/** A place in the workspace from a path that a model wrote, with its links followed. */
import { isGitPath, isWithin, PathRefusal, placePath } from "./paths";
import type { FileRef, Workspace } from "./ports";

type Looking = Pick<Workspace, "folders" | "realPath">;

/**
 * `use`: "write" refuses git's own files as well. A link is followed to its end, also that of a folder on the way: it must end in
 * one of the workspace's folders, whose own links are followed too.
 */
export async function resolvePath(
  written: string,
  workspace: Looking,
  use: "read" | "write",
): Promise<FileRef | PathRefusal> {
  const file = placePath(written, workspace.folders());
  if (file instanceof PathRefusal) return file;
  if (use === "write" && isGitPath(file.path)) return gitRefusal(file);
  const real = await workspace.realPath(file);
  if (real === undefined) return file;
  const roots = await Promise.all(
    workspace.folders().map(async ({ name, path }, folder) => {
      const root = { folder, path: "", shown: name };
      return (await workspace.realPath(root)) ?? path;
    }),
  );
  const root = roots.find((one) => isWithin(real, one));
  if (root === undefined) {
    return new PathRefusal("link", `"${file.shown}" is a link that leads out of the workspace. Work without it.`);
  }
  return use === "write" && isGitPath(real.slice(root.length)) ? gitRefusal(file) : file;
}

function gitRefusal({ shown }: FileRef): PathRefusal {
  return new PathRefusal("git", `"${shown}" is one of git's own files, which are not written. Use git commands.`);
}
