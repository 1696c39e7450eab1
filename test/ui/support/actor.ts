import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Locator } from "playwright-core";
import { delta, ended, type Script, ScriptedServer, said, stream } from "../../support/servers/scriptedServer";
import { Chat } from "./chat";
import { until } from "./until";
import type { Workbench } from "./workbench";

/** What a model calls: a tool's name and its arguments. */
export type Call = readonly [name: string, args: object];

let made = 0;

/** An answer that calls tools, all of them at once. */
export function calls(...wanted: readonly Call[]): Script {
  const all = wanted.map(([name, args], index) => {
    made += 1;
    return { index, id: `call-${made}`, type: "function", function: { name, arguments: JSON.stringify(args) } };
  });
  return stream(said("I look."), delta({ tool_calls: all }), ended("tool_calls"));
}

/** An answer in words. */
export function says(text: string): Script {
  return stream(said(text), ended());
}

/** A file of the workspace on disk. */
function place(name: string): string {
  const { searchParams } = new URL(process.env["RESIDENT_UI_URL"] ?? "");
  return path.join(searchParams.get("folder") ?? "", name);
}

export function text(name: string): string | undefined {
  return existsSync(place(name)) ? readFileSync(place(name), "utf8") : undefined;
}

export function write(files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) writeFileSync(place(name), content);
}

export function remove(...names: readonly string[]): void {
  for (const name of names) rmSync(place(name), { recursive: true, force: true });
}

/** An agent that acts, and the server that says what its model answers. */
export class Actor {
  private constructor(
    private readonly workbench: Workbench,
    readonly server: ScriptedServer,
    readonly name: string,
  ) {}

  /** Connects to a new server, and makes an agent on it that has `tools`. */
  static async make(workbench: Workbench, name: string, tools: readonly string[]): Promise<Actor> {
    const server = await ScriptedServer.start();
    server.play(says("OK"));
    const host = `127.0.0.1:${server.port}`;
    const connect = () => workbench.answer("Resident: Connect to a Server", "Connect to a Server", host);
    await workbench.pick(connect, `Model on ${host}`, "tiny");
    const offer = workbench.page.getByRole("button", { name: "New Agent…" }).last();
    await workbench.answer(() => offer.click(), "New Agent", name);
    const chat = await Chat.of(workbench, name);
    await workbench.check("Resident: Choose Tools", `Tools of ${name}`, tools);
    // The choice is kept a moment after its list is gone.
    await chat.frame.getByRole("button", { name: `Tools of this agent: ${tools.length}.` }).waitFor();
    return new Actor(workbench, server, name);
  }

  chat(): Promise<Chat> {
    return Chat.of(this.workbench, this.name);
  }

  /** Sends a message whose turn takes these answers. */
  async begin(message: string, ...answers: readonly Script[]): Promise<Chat> {
    this.server.requests.length = 0;
    this.server.play(...answers);
    const chat = await this.chat();
    await chat.send(message);
    return chat;
  }

  /** The row of what waits that says this. */
  async waits(question: string): Promise<Locator> {
    const chat = await this.chat();
    const row = chat.frame
      .getByRole("group", { name: /^(Waits|\d+ things wait) for you$/ })
      .getByRole("listitem")
      .filter({ hasText: question });
    await row.waitFor();
    return row;
  }

  /** Presses a button of what waits. */
  async decide(question: string, button: string): Promise<void> {
    await (await this.waits(question)).getByRole("button", { name: button, exact: true }).click();
  }

  /** Opens the diff editor of a change that waits; resolves when it shows this text. */
  async openDiff(question: string, shown: string): Promise<void> {
    const { page } = this.workbench;
    await this.decide(question, "Open Diff");
    await page.locator(".modified-in-monaco-diff-editor").getByText(shown).first().waitFor();
  }

  /** Takes or refuses the change that the diff editor shows, by its button there; resolves when the editor is closed. */
  async decideInDiff(button: "Accept Change" | "Reject Change"): Promise<void> {
    const { page } = this.workbench;
    await page.getByRole("button", { name: new RegExp(`^${button}`) }).click();
    await page.locator(".monaco-diff-editor").waitFor({ state: "detached" });
  }

  /** Resolves with the chat when the last turn says this. */
  async answers(words: string): Promise<Chat> {
    const chat = await this.chat();
    await chat.lastTurn.getByText(words).first().waitFor();
    return chat;
  }

  /** The results that the server was sent with its `count`th request of this turn. */
  async results(count: number): Promise<readonly string[]> {
    await until(`${count} requests`, async () => this.server.requests.length >= count);
    const { messages } = this.server.requests[count - 1]?.json ?? {};
    if (!Array.isArray(messages)) throw new Error("the request has no messages");
    const from = messages.map(({ role }) => role).lastIndexOf("user");
    return messages
      .slice(from)
      .filter(({ role }) => role === "tool")
      .map(({ content }) => String(content));
  }
}
