import { type ChildProcess, spawn } from "node:child_process";
import { familyOf } from "./cases/all";
import type { ServerReply, ServerRequest } from "./server";
import type { Verdict } from "./verdict";

export interface Result {
  readonly id: string;
  readonly verdict: Verdict;
  readonly durationMs: number;
}

/** A server is replaced after this many cases, to free what broken programs have left in its memory. */
const casesPerServer = 400;
const startLimitMs = 60_000;
/** Time to prepare: homes are made, one of them by the built program with a model. */
const listLimitMs = 300_000;

type Answer =
  | { readonly type: "reply"; readonly reply: ServerReply }
  | { readonly type: "ended"; readonly how: string }
  | { readonly type: "late" };

/** One server process, started when it is needed and again when it has ended. */
export class ServerSlot {
  private child: ChildProcess | undefined;
  private served = 0;
  private stderr = "";
  /** The last reported stage of the case. */
  private stage = "";

  constructor(private readonly args: readonly string[]) {}

  async list(): Promise<readonly string[]> {
    const answer = await this.ask({ type: "list" }, listLimitMs);
    if (answer.type === "reply" && answer.reply.type === "list") return answer.reply.ids;
    throw new Error(`the cases could not be listed: ${answer.type === "ended" ? answer.how : answer.type}`);
  }

  async run(id: string): Promise<Result> {
    const startedMs = performance.now();
    const verdict = await this.verdictOn(id);
    return { id, verdict, durationMs: performance.now() - startedMs };
  }

  stop(): void {
    this.child?.removeAllListeners();
    this.child?.kill("SIGKILL");
    this.child = undefined;
  }

  private async verdictOn(id: string): Promise<Verdict> {
    if (this.served >= casesPerServer) this.stop();
    const { limitMs } = familyOf(id).family;
    this.stage = "";
    const answer = await this.ask({ type: "run", id }, limitMs);
    this.served += 1;
    if (answer.type === "reply" && answer.reply.type === "verdict") {
      if (answer.reply.verdict.outcome === "crashed") this.stop();
      return answer.reply.verdict;
    }
    this.stop();
    if (answer.type === "late")
      return { outcome: "hung", detail: `it had not ended after ${limitMs / 1000} s: ${this.stage}` };
    return { outcome: "crashed", detail: `${this.stage}: ${answer.type === "ended" ? answer.how : "no verdict came"}` };
  }

  private async ask(request: ServerRequest, limitMs: number): Promise<Answer> {
    if (this.child === undefined) await this.start();
    const { child } = this;
    if (child === undefined) return { type: "ended", how: "the process did not start" };
    const answer = this.nextOf(child, limitMs);
    child.send(request);
    return answer;
  }

  private async start(): Promise<void> {
    const child = spawn(process.execPath, this.args, { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.child = child;
    this.served = 0;
    this.stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (data: string) => {
      this.stderr = (this.stderr + data).slice(-2000);
    });
    await this.nextOf(child, startLimitMs);
  }

  private nextOf(child: ChildProcess, limitMs: number): Promise<Answer> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle({ type: "late" }), limitMs);
      const onMessage = (reply: ServerReply) => {
        if (reply.type === "stage") this.stage = reply.what;
        else settle({ type: "reply", reply });
      };
      const onEnd = (code: number | null, signal: string | null) =>
        settle({ type: "ended", how: `the process ended with ${signal ?? code}: ${this.stderr.trim().slice(-400)}` });
      const settle = (answer: Answer) => {
        clearTimeout(timer);
        child.off("message", onMessage);
        child.off("close", onEnd);
        resolve(answer);
      };
      child.on("message", onMessage);
      child.on("close", onEnd);
    });
  }
}
