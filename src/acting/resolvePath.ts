/** A place in the workspace from a path that a model wrote, with its links followed. */
import { isDelicatePath, isGitPath, isWithin, PathRefusal, placePath } from "./paths";
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
  const refusal = use === "write" ? writeRefusal(file, file.path) : undefined;
  if (refusal !== undefined) return refusal;
  const real = await workspace.realPath(file);
  if (real === undefined) return judged(file, file.path);
  // The path of a folder of another file system names no place of this machine, though it may be written like one ("/").
  const roots = await Promise.all(
    workspace.folders().map(({ name }, folder) => workspace.realPath({ folder, path: "", shown: name })),
  );
  const root = roots.find((one) => one !== undefined && isWithin(real, one));
  if (root === undefined) {
    return new PathRefusal("link", `"${file.shown}" is a link that leads out of the workspace. Work without it.`);
  }
  const place = real.slice(root.length).replace(/^\//, "");
  return (use === "write" ? writeRefusal(file, place) : undefined) ?? judged(file, place);
}

/** A link may lead to what its own name does not say. */
function judged(file: FileRef, place: string): FileRef {
  return isDelicatePath(file.path) || isDelicatePath(place) ? { ...file, isDelicate: true } : file;
}

function writeRefusal({ shown }: FileRef, place: string): PathRefusal | undefined {
  if (isGitPath(place)) {
    return new PathRefusal("git", `"${shown}" is one of git's own files, which are not written. Use git commands.`);
  }
  // On some systems it names a hidden part of a file, or a folder by another name.
  if (place.includes(":")) return new PathRefusal("name", `"${shown}" has a colon. Choose a name without.`);
  return undefined;
}
