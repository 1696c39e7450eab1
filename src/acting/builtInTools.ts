/** The nine tools and the other tools that the person chose, as the loop runs them. */
import type { ToolCall, ToolSpec } from "../common/tools";
import type { CallKind } from "../protocol/acting";
import { type BuiltInName, callKind, isBuiltIn } from "../protocol/toolNames";
import type { Accepted, CallContext, CallOutcome, PreparedCall, ToolPorts, Tools } from "./ports";
import { cutText } from "./results";
import { askUser } from "./tools/askUser";
import { delegate } from "./tools/delegate";
import { editFile } from "./tools/editFile";
import { listFiles } from "./tools/listFiles";
import { problems } from "./tools/problems";
import { readFile } from "./tools/readFile";
import { runCommand } from "./tools/runCommand";
import { search } from "./tools/search";
import { type BuiltInTool, CallRefused, type ToolCallInput } from "./tools/tool";
import { writeFile } from "./tools/writeFile";

const tools: Readonly<Record<BuiltInName, BuiltInTool>> = {
  read_file: readFile,
  list_files: listFiles,
  search,
  edit_file: editFile,
  write_file: writeFile,
  run: runCommand,
  problems,
  ask_user: askUser,
  delegate,
};

/** What a model is told of them, in an order that never changes: it is a part of every prompt. */
export const builtInSpecs: readonly ToolSpec[] = Object.values(tools).map(({ spec }) => spec);

/** Of what a foreign tool is given, in the question. */
const longestShown = 4000;

export class BuiltInTools implements Tools {
  constructor(private readonly ports: ToolPorts) {}

  kindOf(name: string): CallKind {
    return callKind(name);
  }

  async prepare(call: ToolCall, context: CallContext, signal: AbortSignal): Promise<PreparedCall> {
    if (!isBuiltIn(call.name)) {
      const given = cutText(JSON.stringify(call.arguments), longestShown, "the call has all of it");
      return { question: `Run ${call.name} ${given}` };
    }
    try {
      return (await tools[call.name].prepare?.(this.input(call, context, signal))) ?? {};
    } catch (error) {
      return { refused: refusal(error) };
    }
  }

  async run(call: ToolCall, context: CallContext, signal: AbortSignal, accepted?: Accepted): Promise<CallOutcome> {
    if (!isBuiltIn(call.name)) return this.runOther(call, context, signal);
    try {
      return await tools[call.name].run(this.input(call, context, signal, accepted));
    } catch (error) {
      return refusal(error);
    }
  }

  private async runOther(
    { name, arguments: args }: ToolCall,
    context: CallContext,
    signal: AbortSignal,
  ): Promise<CallOutcome> {
    const { others } = this.ports;
    if (!others.has(name)) return { text: `There is no tool ${name} any more. Work without it.`, failed: true };
    const { text, failed } = await others.run(name, args, context.agent, signal);
    return { text: cutText(text, context.resultLength), ...(failed === true ? { failed } : {}) };
  }

  private input(call: ToolCall, context: CallContext, signal: AbortSignal, accepted?: Accepted): ToolCallInput {
    const { ports } = this;
    return { args: call.arguments, call: call.id, ports, context, signal, ...(accepted && { accepted }) };
  }
}

/** What a model wrote is its own to correct; everything else is told by the loop. */
function refusal(error: unknown): CallOutcome {
  if (error instanceof CallRefused) return { text: error.message, failed: true };
  throw error;
}
