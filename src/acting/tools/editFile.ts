import { replaceQuote } from "../copiedNumbers";
import type { FileRef, FileText, PreparedCall } from "../ports";
import { missingQuote } from "./missingQuote";
import { type BuiltInTool, CallRefused, existingText, fileAt, type ToolCallInput, textArgument } from "./tool";
import { changedSinceRead, preparedWrite, refusedCall, writeNow } from "./writing";

export const editFile: BuiltInTool = {
  spec: {
    name: "edit_file",
    description:
      "Replaces one part of a file. old must be there exactly once: copy it from the file with its spaces, without line numbers, and with enough lines around to be unique.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: {
        path: { type: "string" },
        old: { type: "string", description: "The text to replace, as it stands in the file" },
        new: { type: "string", description: "The text in its place" },
      },
      required: ["path", "old", "new"],
    },
  },
  prepare,
  async run(input) {
    return writeNow(input, input.accepted?.prepared ?? (await prepare(input)));
  },
};

const toMakeIt = " To make a new file, call write_file.";

async function prepare(input: ToolCallInput): Promise<PreparedCall> {
  const { args, ports } = input;
  const file = await fileAt(input, textArgument(args, "path"), "write");
  const [old, fresh] = [textArgument(args, "old"), textArgument(args, "new")];
  if (old === "" && (await ports.workspace.read(file)).kind === "missing") {
    return preparedWrite("Write", { file, after: fresh });
  }
  return preparedEdit(input, file, await existingText(input, file, toMakeIt), old, fresh);
}

function preparedEdit(
  input: ToolCallInput,
  file: FileRef,
  { text, digest }: Extract<FileText, { kind: "text" }>,
  old: string,
  fresh: string,
): PreparedCall {
  const { ports, context } = input;
  const edited = replaceQuote(text, old, fresh);
  const seen = ports.seen.get(context.agent, file.shown);
  if (seen !== undefined && seen !== digest) {
    const line = edited.kind === "edited" ? edited.line : edited.kind === "several" ? edited.lines[0] : 1;
    throw new CallRefused(changedSinceRead(input, file, text, digest, line));
  }
  switch (edited.kind) {
    case "edited":
      return preparedWrite("Edit", { file, before: text, after: edited.text });
    case "same":
      return refusedCall(`Nothing to do: old and new are the same, so ${file.shown} stays as it is.`);
    case "empty":
      return refusedCall(
        `"old" is empty, but ${file.shown} is not. Give the text to replace, or use write_file with the whole new file.`,
      );
    case "several": {
      const lines = edited.lines.join(", ");
      return refusedCall(
        `"old" is in ${file.shown} ${edited.isMore ? "more than " : ""}${edited.lines.length} times, at lines ${lines}. Nothing was changed. Add lines from before or behind it, so that it is there once.`,
      );
    }
    case "missing":
      return refusedCall(missingQuote(file.shown, text, old, fresh, context.resultLength / 2));
  }
}
