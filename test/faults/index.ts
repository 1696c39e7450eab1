import { runChild } from "./child";
import { main } from "./main";
import { serve } from "./server";

/**
 * Faults of the store: `--child` is a program that will be killed, `--serve` runs cases, anything else is the runner.
 */
const [mode, first = "", second = ""] = process.argv.slice(2);
if (mode === "--child") void runChild(JSON.parse(first));
else if (mode === "--serve") void serve(first, JSON.parse(second));
else
  void main(process.argv.slice(2)).then((code) => {
    process.exitCode = code;
  });
