import path from "node:path";
import { parsePeerRun, type RunPeer } from "./peers";
import { runScript } from "./scriptProcess";

/** Begins a line in which the peer's script says what it does next. */
const preparing = "[peers] ";

/** The peers as processes, one for each workload. `folder` is test/reference of a checkout. */
export function peersProcess(folder: string): RunPeer {
  return async (peer, request, { onPreparing, signal }) => {
    const onLine = (line: string) => {
      if (line.startsWith(preparing)) onPreparing(line.slice(preparing.length));
    };
    return parsePeerRun(await runScript([path.join(folder, "peers", "run.mjs"), peer], request, { onLine, signal }));
  };
}
