import { spawn } from "node:child_process";
import { SetupError } from "../../native/setup/errors.mjs";

/**
 * Becomes the process that `prepare` names: its input, output and exit code are this one's. What set-up says is told in
 * one line.
 *
 * @param {() => Promise<{ readonly command: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv }>} prepare
 */
export async function runPython(prepare) {
  try {
    const { command, args, env } = await prepare();
    const child = spawn(command, args, { env, stdio: "inherit" });
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    child.on("exit", (code) => {
      process.exitCode = code ?? 1;
    });
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(`${error.message}: ${error.advice.replace(/\s+/g, " ")}`);
    process.exitCode = 1;
  }
}
