import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";

/** A server of another program, in a process of its own. */
export class ServerProcess {
  /** The last of what it has written. */
  output = "";

  private constructor(
    private readonly child: ChildProcess,
    /** Of its chat endpoint. */
    readonly url: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (data: Buffer) => {
        this.output = (this.output + data.toString()).slice(-4000);
      });
    }
  }

  /** Starts `script` of Node's with the arguments that `argsFor` makes for a free port; resolves when it lists models. */
  static async start(
    argsFor: (port: string) => readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<ServerProcess> {
    const port = await freePort();
    const child = spawn(process.execPath, argsFor(String(port)), { env: { ...process.env, ...env }, stdio: "pipe" });
    const server = new ServerProcess(child, `http://127.0.0.1:${port}/v1`);
    await server.ready();
    return server;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    const closed = once(this.child, "close");
    this.child.kill("SIGTERM");
    await closed;
  }

  private async ready(): Promise<void> {
    while (this.child.exitCode === null) {
      const answer = await fetch(`${this.url}/models`).catch(() => undefined);
      if (answer?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`the server ended: ${this.output}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
