import { counted, numberedLines } from "../results";
import { type BuiltInTool, CallRefused, existingText, fileAt, optionalLine, textArgument } from "./tool";

export const readFile: BuiltInTool = {
  spec: {
    name: "read_file",
    description:
      "Reads a text file. Each line begins with its number and a tab, which are not part of the file. A long file is cut: go on with from.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: {
        path: { type: "string", description: "Path in the workspace" },
        from: { type: "integer", minimum: 1, description: "First line" },
        to: { type: "integer", minimum: 1, description: "Last line" },
      },
      required: ["path"],
    },
  },

  async run(input) {
    const { args, ports, context } = input;
    const file = await fileAt(input, textArgument(args, "path"), "read");
    const from = optionalLine(args, "from") ?? 1;
    const to = optionalLine(args, "to") ?? Number.MAX_SAFE_INTEGER;
    if (to < from) throw new CallRefused(`"to" is before "from".`);
    const { text, digest } = await existingText(input, file);
    ports.seen.set(context.agent, file.shown, digest);
    const body = text.startsWith("\ufeff") ? text.slice(1) : text;
    if (body === "") return { text: `${file.shown} is empty.` };
    const lines = numberedLines(body, from, to, context.resultLength);
    const all = counted(lines.total, "line");
    if (from > lines.total) throw new CallRefused(`${file.shown} has only ${all}.`);
    const head = `${file.shown}, lines ${lines.from}-${lines.to} of ${lines.total}:`;
    const isCut = lines.to < Math.min(to, lines.total);
    const note = isCut ? `\n[… ${lines.total - lines.to} more; go on with from: ${lines.to + 1}]` : "";
    return { text: `${head}\n${lines.text}${note}` };
  },
};
