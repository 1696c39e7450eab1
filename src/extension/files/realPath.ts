import { readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { isMissing } from "../../common/errno";

/**
 * Where a path of this machine is when all links are followed, with "/". Of what does not exist: where its nearest ancestor
 * is that does, with the rest behind it. A link whose target does not exist is followed too, because a write through it
 * would make the target.
 */
export async function realPathOf(path: string, linksLeft = 40): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  const target = await linkTarget(path);
  if (target !== undefined) {
    if (linksLeft === 0) throw new Error(`too many links: ${path}`);
    return realPathOf(resolve(await realPathOf(dirname(path), linksLeft), target), linksLeft - 1);
  }
  const parent = dirname(path);
  if (parent === path) return path;
  return join(await realPathOf(parent, linksLeft), basename(path));
}

/** `undefined`: it is no link, or there is nothing. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch {
    return undefined;
  }
}
