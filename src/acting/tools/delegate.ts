import { type BuiltInTool, CallRefused, textArgument } from "./tool";

export const delegate: BuiltInTool = {
  spec: {
    name: "delegate",
    description:
      "Gives a task to a copy of you that knows all of this conversation. It can read and search, not change anything, and answers with what it found. Several calls in one answer work at once.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: { task: { type: "string", description: "What to find out" } },
      required: ["task"],
    },
  },

  async run({ args, ports, context, signal }) {
    const task = textArgument(args, "task");
    if (task.trim() === "") throw new CallRefused(`"task" is empty.`);
    return ports.delegates.run(task, context, signal);
  },
};
