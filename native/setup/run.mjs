import { spawn, spawnSync } from "node:child_process";
import { SetupError } from "./errors.mjs";
import { root } from "./paths.mjs";

/** Output of a short command, or undefined when there is no such command or it fails. */
export function output(command, args) {
  const result = spawnSync(command, args, { encoding: "utf8", cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  return result.status === 0 ? `${result.stdout}${result.stderr}`.trim() : undefined;
}

/**
 * Runs a command to its end without showing what it says, unless it fails: then the last lines are the reason.
 *
 * @param {{ env?: NodeJS.ProcessEnv, advice?: (said: string) => string }} [options] `advice`: by all that it said
 */
export function run(
  what,
  command,
  args,
  { env = process.env, advice = () => "mend what it says and run set-up again" } = {},
) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        said += text;
        if (process.env.RESIDENT_VERBOSE) process.stderr.write(text);
      });
    }
    const fail = (reason) => reject(new SetupError(`${what} failed (${reason})${tail(said)}`, advice(said)));
    child.on("error", (error) => fail(error.message));
    child.on("close", (code, signal) => (code === 0 ? resolve() : fail(signal ?? `exit code ${code}`)));
  });
}

function tail(said) {
  const lines = said.trim().split("\n").slice(-25);
  return lines.join("").trim() === "" ? "" : `:\n  ${lines.join("\n  ")}`;
}
