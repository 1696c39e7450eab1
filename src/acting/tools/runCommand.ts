import { resultTexts } from "../../protocol/toolNames";
import { KeptOutput } from "../keptOutput";
import type { CallOutcome } from "../ports";
import { type BuiltInTool, CallRefused, textArgument } from "./tool";
import { refusedCall } from "./writing";

/** A command that takes longer is ended; what it printed is told. */
const longestMs = 5 * 60_000;
/** What is shown of a running command is renewed this often. */
const shownEveryMs = 100;
const longestCommand = 8000;

export const runCommand: BuiltInTool = {
  spec: {
    name: "run",
    description:
      "Runs a command line in a terminal at the workspace's folder and gives what it prints and its exit code. It gets no input and ends after 5 minutes. For tests, builds and git; not to read or change files.",
    parameters: {
      type: "object",
      additionalProperties: false,
      properties: { command: { type: "string" } },
      required: ["command"],
    },
  },

  async prepare({ args }) {
    const command = textArgument(args, "command");
    if (command.trim() === "") return refusedCall(`"command" is empty.`);
    if (command.length > longestCommand)
      return refusedCall(`The command is longer than ${longestCommand} characters. Write a script and run it.`);
    // A terminal would take these as keys.
    const control = [...command].find((letter) => letter !== "\n" && letter !== "\t" && /\p{Cc}/u.test(letter));
    if (control !== undefined) return refusedCall("The command has a control character. Write it without.");
    // All of it: nobody agrees to what is not shown.
    return { question: `Run ${command.trim().replace(/\s*\n\s*/g, " ⏎ ")}`, command };
  },

  async run({ args, ports, context, signal }) {
    const command = textArgument(args, "command");
    if (signal.aborted) throw new CallRefused(resultTexts.stopped);
    const output = new KeptOutput(context.resultLength);
    const limit = new AbortController();
    const timer = ports.clock.after(longestMs, () => limit.abort());
    const stop = () => limit.abort();
    signal.addEventListener("abort", stop);
    let shownAt = Number.NEGATIVE_INFINITY;
    try {
      const onData = (data: string) => {
        output.push(data);
        if (ports.clock.now() - shownAt < shownEveryMs) return;
        shownAt = ports.clock.now();
        context.onOutput(output.end);
      };
      const { exitCode } = await ports.commands.run({ agent: context.agent, command }, onData, limit.signal);
      return result(output.whole(), exitCode, signal.aborted, limit.signal.aborted);
    } finally {
      timer.dispose();
      signal.removeEventListener("abort", stop);
      context.onOutput(output.end);
    }
  },
};

function result(printed: string, exitCode: number | undefined, isStopped: boolean, isEnded: boolean): CallOutcome {
  const shown = printed === "" ? "It printed nothing." : printed;
  if (isStopped) return { text: `${resultTexts.stopped} Until then it printed:\n${shown}`, failed: true };
  if (isEnded) {
    return {
      text: `Ended after ${longestMs / 60_000} minutes: it was still running. Run it with less to do, or in the background with its output in a file.\n${shown}`,
      failed: true,
    };
  }
  if (exitCode === undefined) return { text: `Ended without an exit code.\n${shown}`, failed: true };
  return { text: `Exit code ${exitCode}.\n${shown}`, ...(exitCode === 0 ? {} : { failed: true }) };
}
