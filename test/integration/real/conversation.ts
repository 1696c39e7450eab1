/** A request as agents in VS Code's chat begin: some 8,000 tokens of instructions and tools. */
import { hostModel, user } from "../chatModels";

export const realModel = () => hostModel("qwen");

const names = ["read", "list", "search", "edit", "write", "run", "ask", "plan", "fetch", "test", "build", "format"];

export const tools = names.map((name) => ({
  name: `${name}_it`,
  description: `Does what "${name}" says, once, in the folder that is open.`,
  inputSchema: {
    type: "object",
    properties: {
      path: { type: "string", description: "Relative to the folder.", maxLength: 60 },
      how: { type: "string", enum: ["quickly", "carefully"] },
      lines: { type: "integer", minimum: 1, maximum: 500 },
    },
    required: ["path", "how"],
  },
}));

const rule = (number: number) =>
  `Rule ${number}: when the person asks for change ${number * 7}, look at file number ${number} first, and say what was found in it.`;

export const instructions = Array.from({ length: 225 }, (_, index) => rule(index + 1)).join("\n");

export const opening: readonly object[] = [user(instructions), user("Which rule names change 63?")];

/** Another chat with the same instructions. */
export const other: readonly object[] = [user(instructions), user("How many rules are there?")];
