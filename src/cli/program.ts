import { errorCodes, ResidentError, toErrorInfo } from "../common/errors";
import { agentSpecs, agents } from "./agents";
import type { CommandSpec } from "./arguments";
import { bench, benchReportSpec, benchSpec } from "./bench";
import { type Console, errorLine } from "./console";
import { generate, generateSpec } from "./generate";
import { modelSpecs, models } from "./models";
import { defaultHome } from "./places";
import { store, storeSpecs } from "./store";

interface Command {
  readonly run: (words: readonly string[], console: Console) => Promise<void>;
  readonly specs: readonly CommandSpec[];
}

const commands: Readonly<Record<string, Command>> = {
  generate: { run: generate, specs: [generateSpec] },
  agents: { run: agents, specs: Object.values(agentSpecs) },
  models: { run: models, specs: Object.values(modelSpecs) },
  store: { run: store, specs: Object.values(storeSpecs) },
  bench: { run: bench, specs: [benchSpec, benchReportSpec] },
};

/** Runs one command. Never rejects: a failure is one line on stderr. Resolves with the exit code. */
export async function runProgram(words: readonly string[], console: Console): Promise<0 | 1> {
  try {
    await dispatch(words, console);
    return 0;
  } catch (error) {
    console.err(errorLine(toErrorInfo(error)));
    return 1;
  }
}

async function dispatch(words: readonly string[], console: Console): Promise<void> {
  const [name, ...rest] = words;
  if (name === undefined || name === "help" || name === "--help") return console.out(overview());
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    const names = Object.keys(commands).join(", ");
    throw new ResidentError("USAGE", `there is no command '${name}'`, `use ${names} or help`);
  }
  if (rest.includes("--help")) return console.out(help(command.specs));
  await command.run(rest, console);
}

function overview(): string {
  const lines = Object.values(commands).flatMap((command) =>
    command.specs.map((spec) => `  ${spec.usage}\n      ${spec.summary}`),
  );
  return `Resident: local agents that keep what they have read.

${lines.join("\n")}

\`resident COMMAND --help\` lists a command's options.
Agents, caches and imported models live in ${defaultHome}, in --home DIR, or in $RESIDENT_HOME.
VS Code's agents are not among them: --vscode uses these, also while a window is open.
A failure ends with exit code 1 and one line on stderr, CODE: what happened: what to do.
Codes: ${wrapped(errorCodes)}
`;
}

/** A list in lines of at most 100 characters. */
function wrapped(names: readonly string[]): string {
  const lines = [""];
  for (const name of names) {
    const line = lines.at(-1) ?? "";
    if (line.length + name.length > 90) lines.push(name);
    else lines[lines.length - 1] = line === "" ? name : `${line}, ${name}`;
  }
  return lines.join(",\n       ");
}

function help(specs: readonly CommandSpec[]): string {
  return specs
    .map((spec) => {
      const options = Object.entries(spec.options).map(([name, option]) => {
        const left = option.value === undefined ? `--${name}` : `--${name} ${option.value}`;
        return `  ${left.padEnd(18)} ${option.help}`;
      });
      return `${spec.usage}\n  ${spec.summary}\n\n${options.join("\n")}\n`;
    })
    .join("\n");
}
