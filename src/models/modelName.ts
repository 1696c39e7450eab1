import { basename, resolve } from "node:path";

/** Of a folder in the hub's own cache, which is named by a commit: `models--ORG--NAME/snapshots/COMMIT`. */
const snapshot = /[\\/]models--[^\\/]+?--([^\\/]+)[\\/]snapshots[\\/][^\\/]+$/;

/** A model's name is that of its folder. */
export function modelNameOf(directory: string): string {
  const path = resolve(directory);
  return snapshot.exec(path)?.[1] ?? basename(path);
}
