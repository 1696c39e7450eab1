import { spawn } from "node:child_process";
import path from "node:path";
import { AbortedError, ResidentError } from "../common/errors";
import { parseReferenceRun, type RunReference } from "./reference";

/**
 * The reference as a process: Node makes its Python environment on first use, then runs the script. `folder` is
 * test/reference of a checkout.
 */
export function referenceProcess(folder: string): RunReference {
  return async (request, { onAnswered, signal }) => {
    const child = spawn(process.execPath, [path.join(folder, "python.mjs"), "exp005.py"], {
      // Inside VS Code the program is Electron, which is Node when told so.
      env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
      signal,
    });
    let output = "";
    let lastLine = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      lastLine = text.trim().split("\n").at(-1) ?? lastLine;
      const answered = /^(\d+)\/\d+ /.exec(lastLine)?.[1];
      if (answered !== undefined) onAnswered(Number(answered));
    });
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    // A child that could not start, or that is gone, says so by its end.
    child.stdin.on("error", () => undefined).end(JSON.stringify(request));
    const code = await ended.catch((error: unknown) => {
      throw signal.aborted ? new AbortedError() : failed(error instanceof Error ? error.message : String(error));
    });
    if (code !== 0) throw failed(lastLine || `exit code ${code}`);
    return parseReferenceRun(output);
  };
}

function failed(why: string): ResidentError {
  return new ResidentError(
    "INTERNAL",
    `the reference, mlx_lm, did not run: ${why}`,
    "run `node test/reference/setup.mjs` in the checkout and mend what it says",
  );
}
