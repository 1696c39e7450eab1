import { parseArgs } from "node:util";
import type { RunOptions } from "./families";

export interface Options extends RunOptions {
  readonly verbose: boolean;
}

export const usage = `npm run faults [-- options]
  --quick        a part of the cases
  --seed N       other damages, other moments (default: 1)
  --only TEXT    the cases whose id contains the text
  --verbose      every case`;

export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      only: { type: "string" },
      verbose: { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(seed)) throw new Error(`--seed ${values.seed} is not a whole number`);
  return { quick: values.quick, seed, only: values.only, verbose: values.verbose };
}
