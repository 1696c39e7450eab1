import { beginning } from "../results";
import { type BuiltInTool, CallRefused, textArgument } from "./tool";

const longestQuestion = 2000;

export const askUser: BuiltInTool = {
  spec: {
    name: "ask_user",
    description: "Asks the person for a decision that only the person can make. Never for what is in files: read them.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: { question: { type: "string" } },
      required: ["question"],
    },
  },

  async run({ args, call, context }) {
    const question = textArgument(args, "question");
    if (question.trim() === "") throw new CallRefused(`"question" is empty.`);
    const { way, text = "" } = await context.ask({
      agent: context.agent,
      call: { id: call, name: "ask_user", arguments: args },
      kind: "ask",
      question: beginning(question, longestQuestion),
      choices: [
        { way: "answer", label: "Answer" },
        { way: "deny", label: "Skip" },
      ],
    });
    if (way === "deny" || text.trim() === "") {
      return {
        text: "The person gave no answer. Go on with what you think is best, or say what you need.",
        failed: true,
      };
    }
    return { text };
  },
};
