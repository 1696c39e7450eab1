import { withoutFence } from "../fencedContent";
import type { FileRef, PreparedCall } from "../ports";
import { textLines } from "../textLines";
import { type BuiltInTool, CallRefused, fileAt, type ToolCallInput, textArgument, unreadableText } from "./tool";
import { changedSinceRead, excerpt, preparedWrite, refusedCall, writeNow } from "./writing";

export const writeFile: BuiltInTool = {
  spec: {
    name: "write_file",
    description: "Writes a whole file: a new one, or a short one (up to about 200 lines) anew. Give all of its text.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: {
        path: { type: "string" },
        content: { type: "string", description: "The whole text of the file" },
      },
      required: ["path", "content"],
    },
  },
  prepare,
  async run(input) {
    return writeNow(input, input.accepted?.prepared ?? (await prepare(input)));
  },
};

async function prepare(input: ToolCallInput): Promise<PreparedCall> {
  const { args, ports, context } = input;
  const file = await fileAt(input, textArgument(args, "path"), "write");
  const content = withoutFence(file.path, textArgument(args, "content"));
  if (file.path === "") throw new CallRefused(`${file.shown} is a folder. Give the path of a file.`);
  const found = await ports.workspace.read(file);
  if (found.kind === "missing") return preparedWrite("Write", { file, after: content });
  if (found.kind !== "text") throw new CallRefused(unreadableText(file, found));
  const seen = ports.seen.get(context.agent, file.shown);
  if (seen === undefined && found.text !== "") throw new CallRefused(neverRead(input, file, found.text, found.digest));
  if (seen !== undefined && seen !== found.digest) {
    throw new CallRefused(changedSinceRead(input, file, found.text, found.digest));
  }
  const after = likeBefore(found.text, content);
  if (after === found.text) return refusedCall(`Nothing to do: ${file.shown} has exactly this text already.`);
  return preparedWrite("Write", { file, before: found.text, after });
}

/** A file that the agent does not know would be lost: first it gets to see it. */
function neverRead({ ports, context }: ToolCallInput, file: FileRef, text: string, digest: string): string {
  ports.seen.set(context.agent, file.shown, digest);
  return `${file.shown} is there already and you have not read it, so nothing was written. It is:\n${excerpt(text, 1, context.resultLength / 2, 200)}\nTo change a part of it use edit_file; to replace all of it call write_file again.`;
}

/** With the byte-order mark and the line ends of the text that it replaces. */
function likeBefore(before: string, content: string): string {
  const ends = textLines(before).filter(({ end }) => end !== "");
  const isCrLf = ends.length > 0 && ends.filter(({ end }) => end === "\r\n").length * 2 > ends.length;
  const plain = content.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  return `${before.startsWith("\ufeff") ? "\ufeff" : ""}${isCrLf ? plain.replaceAll("\n", "\r\n") : plain}`;
}
