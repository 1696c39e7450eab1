import path from "node:path";
import { AbortedError, ResidentError } from "../common/errors";
import { parseReferenceRun, type RunReference } from "./reference";
import { runScript } from "./scriptProcess";

/**
 * The reference as a process: Node makes its Python environment on first use, then runs the script. `folder` is
 * test/reference of a checkout.
 */
export function referenceProcess(folder: string): RunReference {
  return async (request, { onAnswered, signal }) => {
    const onLine = (line: string) => {
      const answered = /^(\d+)\/\d+ /.exec(line)?.[1];
      if (answered !== undefined) onAnswered(Number(answered));
    };
    const script = [path.join(folder, "python.mjs"), "exp005.py"];
    const output = await runScript(script, request, { onLine, signal }).catch((error: unknown) => {
      throw error instanceof AbortedError ? error : failed(error instanceof Error ? error.message : String(error));
    });
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
