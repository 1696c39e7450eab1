import { ResidentError, toErrorInfo } from "../common/errors";
import { agentSpecs, agents } from "./agents";
import type { CommandSpec } from "./arguments";
import { bench, benchSpec } from "./bench";
import { type Console, errorLine, processConsole } from "./console";
import { generate, generateSpec } from "./generate";
import { modelSpecs, models } from "./models";
import { defaultHome } from "./places";

type Command = (words: readonly string[], console: Console) => Promise<void>;

const commands: Readonly<Record<string, { readonly run: Command; readonly specs: readonly CommandSpec[] }>> = {
  generate: { run: generate, specs: [generateSpec] },
  agents: { run: agents, specs: Object.values(agentSpecs) },
  models: { run: models, specs: Object.values(modelSpecs) },
  bench: { run: bench, specs: [benchSpec] },
};

function overview(): string {
  const lines = Object.values(commands).flatMap((command) =>
    command.specs.map((spec) => `  ${spec.usage}\n      ${spec.summary}`),
  );
  return `Resident: local agents that keep what they have read.\n\n${lines.join("\n")}\n\nHome: ${defaultHome}, or --home DIR.\n`;
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

async function main(words: readonly string[], console: Console): Promise<void> {
  const [name, ...rest] = words;
  if (name === undefined || name === "help" || name === "--help") return console.out(overview());
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    throw new ResidentError(
      "USAGE",
      `there is no command '${name}'`,
      `use ${Object.keys(commands).join(", ")} or help`,
    );
  }
  if (rest.includes("--help")) return console.out(help(command.specs));
  await command.run(rest, console);
}

main(process.argv.slice(2), processConsole).then(
  () => {
    process.exitCode = 0;
  },
  (error: unknown) => {
    processConsole.err(errorLine(toErrorInfo(error)));
    process.exitCode = 1;
  },
);
