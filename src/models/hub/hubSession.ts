import type { HubAccess } from "../../protocol/service";
import type { DownloadOptions } from "./downloadFiles";
import { hubEndpoint } from "./hubAccess";
import { HubClient } from "./hubClient";
import { HubTransport } from "./hubTransport";
import { retryPolicy } from "./retry";

/** Eight ranges of 16 MB at a time; a process that is killed loses at most 2 MB of each. */
export const downloadOptions: DownloadOptions = {
  connections: 8,
  blockBytes: 2 << 20,
  blocksPerRange: 8,
  limits: { stallMs: 30_000, leastBytes: 4096 },
  policy: retryPolicy,
};

/** Runs `work` with a client of the hub, and closes its connections afterwards. */
export async function withHub<T>(
  access: HubAccess,
  work: (client: HubClient) => Promise<T>,
  { limits, policy }: Pick<DownloadOptions, "limits" | "policy"> = downloadOptions,
): Promise<T> {
  const transport = new HubTransport(hubEndpoint(access, process.env), limits.stallMs);
  try {
    return await work(new HubClient(transport, policy));
  } finally {
    transport.close();
  }
}
