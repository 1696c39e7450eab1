import type { ServerPiece } from "../../../src/common/serverAnswer";
import type { ToolSpec } from "../../../src/common/tools";
import type { ReadCall } from "../../../src/servers/callAssembler";
import type { ServerChatRequest } from "../../../src/servers/chatBody";
import { ServerClient, type ServerOptions, serverOptions } from "../../../src/servers/serverClient";
import type { ServerAccess } from "../../../src/servers/serverTransport";
import { DeclaredTools } from "../../../src/text/tools/declaredTools";
import { givenCall } from "../../../src/text/tools/givenCalls";

/** As in the product, with short waits. */
export const quickOptions: ServerOptions = {
  ...serverOptions,
  connectMs: 2_000,
  silentMs: 2_000,
  firstDelayMs: 2,
  longestDelayMs: 2_000,
  tailMs: 100,
};

export interface AskOptions {
  readonly access?: Partial<ServerAccess>;
  readonly options?: Partial<ServerOptions>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: ServerPiece) => void;
}

const question: ServerChatRequest = {
  model: "tiny",
  messages: [{ role: "user", content: "hello" }],
  newId: newIds(),
  readCall: callReader([]),
};

/** As in the product. */
export function callReader(tools: readonly ToolSpec[]): ReadCall {
  const declared = new DeclaredTools(tools);
  return (name, said) => givenCall(declared, name, said);
}

export function newIds(): () => string {
  let count = 0;
  return () => `new${++count}`;
}

/** Asks with a client of its own; what came is in `text`, `thought` and `waits` also where it fails. */
export class Asked {
  text = "";
  thought = "";
  readonly waits: string[] = [];

  constructor(
    private readonly url: string,
    private readonly ask: AskOptions = {},
  ) {}

  async answer(request: Partial<ServerChatRequest> = {}) {
    const client = new ServerClient({ url: this.url, ...this.ask.access }, { ...quickOptions, ...this.ask.options });
    try {
      const readCall = callReader(request.tools ?? []);
      return await client.chat({ ...question, readCall, ...request }, this.ask.signal, (event) => {
        if (event.type === "text") this.text += event.text;
        else if (event.type === "thinking") this.thought += event.text;
        else this.waits.push(`${event.reason} (${event.ms} ms)`);
        this.ask.onEvent?.(event);
      });
    } finally {
      client.close();
    }
  }
}
