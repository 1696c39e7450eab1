import { listingText } from "../listing";
import type { FoundFiles } from "../ports";
import { counted } from "../results";
import { visibleLine } from "../visible";
import { type BuiltInTool, CallRefused, fileAt, optionalText, type ToolCallInput } from "./tool";

const mostFiles = 5000;

export const listFiles: BuiltInTool = {
  spec: {
    name: "list_files",
    description: "Lists the files of a folder and of the folders in it. Ignored files are left out.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: { path: { type: "string", description: "Folder; without it the whole workspace" } },
    },
  },

  async run(input) {
    const { args, context } = input;
    const written = optionalText(args, "path") ?? ".";
    const { paths, isCut } = await found(input, written);
    if (paths.length === 0) return { text: `Nothing is in ${written === "." ? "the workspace" : written}.` };
    const files = paths.filter((path) => !path.endsWith("/")).length;
    // A name may have anything in it, also what looks like a further line.
    const { text, isFolded } = listingText(paths.map(visibleLine), context.resultLength);
    const more = isCut ? " or more" : "";
    const note = isFolded ? "\n[Folders are shown with the number of their files; list one of them to see these.]" : "";
    return { text: `${counted(files, "file")}${more}:\n${text}${note}` };
  },
};

/** "." means all folders of the workspace where there are several. */
async function found(input: ToolCallInput, written: string): Promise<FoundFiles> {
  const { ports, signal } = input;
  const folders = ports.workspace.folders();
  if (folders.length > 1 && /^[./\\]*$/.test(written)) {
    const lists = await Promise.all(
      folders.map(({ name }, folder) => ports.workspace.list({ folder, path: "", shown: name }, mostFiles, signal)),
    );
    const paths = lists.flatMap((list, folder) => list.paths.map((path) => `${folders[folder]?.name}/${path}`));
    return { paths: paths.slice(0, mostFiles), isCut: paths.length > mostFiles || lists.some(({ isCut }) => isCut) };
  }
  const folder = await fileAt(input, written, "read");
  if (folder.path !== "") {
    const { kind } = await ports.workspace.read(folder);
    if (kind === "missing")
      throw new CallRefused(`There is no folder ${folder.shown}. List the whole workspace to see what there is.`);
    if (kind !== "folder") throw new CallRefused(`${folder.shown} is a file. Use read_file.`);
  }
  return ports.workspace.list(folder, mostFiles, signal);
}
