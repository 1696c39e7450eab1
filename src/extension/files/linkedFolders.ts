import { isWithin } from "../../acting/paths";
import { realPathOf } from "./realPath";

/** Whether folders of this machine, with their links followed, are inside of the workspace. Each is looked up once. */
export class LinkedFolders {
  private readonly known = new Map<string, Promise<boolean>>();

  /** `roots`: where the workspace's folders really are. */
  constructor(private readonly roots: readonly string[]) {}

  isInside(folder: string): Promise<boolean> {
    const known = this.known.get(folder) ?? realPathOf(folder).then((real) => isInsideOf(this.roots, real));
    this.known.set(folder, known);
    return known;
  }
}

/** Whether a real path is one of the roots, or below one. */
export function isInsideOf(roots: readonly string[], real: string): boolean {
  const slashed = (path: string) => path.replaceAll("\\", "/");
  return roots.some((root) => isWithin(slashed(real), slashed(root)));
}
