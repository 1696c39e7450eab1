/** An agent's pinned files in its prompts: behind its instructions, in the system message. */
import type { PinnedFile } from "../common/attachments";
import { visiblePath } from "../common/visiblePath";
import { fileBlock, languageOf } from "./fileBlocks";

const introduction = "These are files of the person's workspace:";

/** One file as it stands there. Put into words once. */
export function pinnedText(file: PinnedFile): string {
  const { path, text } = file;
  const said = blocks.get(file) ?? fileBlock(`File ${visiblePath(path)}:`, text, languageOf(path));
  blocks.set(file, said);
  return said;
}

const blocks = new WeakMap<PinnedFile, string>();
const systems = new WeakMap<readonly PinnedFile[], { readonly instructions: string; readonly text: string }>();

/** The text of the system message. The same string for the same instructions and list, so that it is compared quickly. */
export function systemText(instructions: string, files: readonly PinnedFile[]): string {
  if (files.length === 0) return instructions;
  const known = systems.get(files);
  if (known?.instructions === instructions) return known.text;
  const text = [...(instructions === "" ? [] : [instructions]), introduction, ...files.map(pinnedText)].join("\n\n");
  systems.set(files, { instructions, text });
  return text;
}
