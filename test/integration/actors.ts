import assert from "node:assert/strict";
import { commands } from "../../src/extension/contributions";
import type { AgentSummary } from "../../src/protocol/service";
import { delta, ended, type Script, ScriptedServer, said, stream } from "../support/servers/scriptedServer";
import { ask, newAgent, run, until } from "./support";

export interface Waiting {
  readonly agent: string;
  readonly call: string;
  readonly kind: string;
  readonly question: string;
  readonly ways: readonly string[];
}

/** An answer that calls a tool. */
export function calls(name: string, args: object): Script {
  const call = { index: 0, id: `call-${name}`, type: "function", function: { name, arguments: JSON.stringify(args) } };
  return stream(delta({ tool_calls: [call] }), ended("tool_calls"));
}

export const done = stream(said("Done."), ended());

/** Agents that act, and the server that says what their model answers. */
export class Actors {
  private made = 0;

  private constructor(
    readonly server: ScriptedServer,
    private readonly name: string,
  ) {}

  /** `name`: agents are named by it and a number. */
  static async start(name: string): Promise<Actors> {
    const server = await ScriptedServer.start();
    server.play(stream(said("OK"), ended()));
    await run(commands.connectServer, { address: `127.0.0.1:${server.port}`, model: "tiny" });
    return new Actors(server, name);
  }

  /** The id of a new agent that has these tools. */
  async make(tools: readonly string[]): Promise<string> {
    const { id } = await newAgent(`${this.name} ${++this.made}`);
    await run(commands.useOtherModel, {
      ...{ agent: id, server: this.server.url, serverModel: "tiny", background: true },
    });
    const agent = await run<AgentSummary>(commands.chooseTools, { agent: id, tools });
    assert.deepEqual(agent.tools?.map(({ name }) => name).sort(), [...tools].sort());
    return id;
  }

  get lastName(): string {
    return `${this.name} ${this.made}`;
  }

  /** Sends a message whose turn takes these answers; resolves when the first one is there. */
  async begin(agent: string, ...scripts: readonly Script[]): Promise<void> {
    this.server.requests.length = 0;
    this.server.play(...scripts);
    await ask(agent, "Go.");
  }

  /** The results that the server was sent with its last request, when it has had so many. */
  async results(requests: number): Promise<readonly string[]> {
    await until(`${requests} requests`, () => this.server.requests.length >= requests, 20_000);
    const { messages } = this.server.requests[requests - 1]?.json ?? {};
    assert(Array.isArray(messages));
    return messages.filter(({ role }) => role === "tool").map(({ content }) => String(content));
  }
}

export function waiting(): Promise<readonly Waiting[]> {
  return run<readonly Waiting[]>(commands.reviewWaiting, { list: true });
}

/** The question that waits for this agent. */
export async function question(agent: string): Promise<Waiting> {
  let found: Waiting | undefined;
  await until("a question waits", async () => {
    found = (await waiting()).find((one) => one.agent === agent);
    return found !== undefined;
  });
  assert(found);
  return found;
}

export async function decide(agent: string, way: string, more: object = {}): Promise<void> {
  const { call } = await question(agent);
  await run(commands.reviewWaiting, { agent, call, way, ...more });
}
