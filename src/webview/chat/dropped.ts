/** What a drop or a paste names: files as URIs or paths. Pure. */
import { mostDropped } from "../../protocol/chatFiles";

/** The part of `DataTransfer` that is read. */
export interface Transfer {
  readonly types: readonly string[];
  getData(type: string): string;
}

/** As VS Code names them: its explorer and its tabs give the second and the third. */
const uriLists = ["text/uri-list", "application/vnd.code.uri-list"] as const;
const resources = "resourceurls";

/** The drop may name files: only its types are known while it is over the page. */
export function mayNameFiles({ types }: Pick<Transfer, "types">): boolean {
  const known: readonly string[] = [...uriLists, resources];
  return types.some((type) => known.includes(type.toLowerCase()));
}

export function droppedPaths(transfer: Transfer): readonly string[] {
  for (const type of uriLists) {
    const paths = uriLines(transfer.getData(type));
    if (paths.length > 0) return paths;
  }
  return resourceList(transfer.getData(resources));
}

/** A list of URIs has a line each; a line with # is a comment. */
function uriLines(text: string): readonly string[] {
  const lines = text.split(/\r\n|\n/).map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#") && !/^https?:/i.test(line)).slice(0, mostDropped);
}

function resourceList(text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter((one) => typeof one === "string").slice(0, mostDropped) : [];
  } catch {
    return []; // Another program uses the same name for something else.
  }
}

/** An absolute path, or a URI of a file: nothing that a person would write as a part of a sentence. */
const path = /^(?:file:\/\/\/?|vscode-remote:\/\/|\/(?!\/)|[a-z]:[\\/]|\\\\\w)[^\n]*[^\s/\\][^\n]*$/i;

/** The files that a pasted text names, if it is nothing but such names. */
export function pastedPaths(text: string): readonly string[] {
  if (text.length > 100_000) return [];
  const lines = text
    .split(/\r\n|\n/)
    .map((line) => line.trim().replace(/^"(.*)"$/, "$1"))
    .filter((line) => line !== "");
  return lines.length <= mostDropped && lines.every((line) => path.test(line) && line.length < 4096) ? lines : [];
}
