import type { ServerUsage } from "../common/serverAnswer";
import type { Clock } from "../engine/ports";
import type { TurnFigures, UntoldCount } from "../protocol/service";
import type { Wait } from "./wait";

/** Measures one answer of a server; its counts are the server's own. */
export class ServerFigures {
  private readonly askedMs: number;
  private readonly beforeAskedMs: number;
  private firstMs: number | undefined;
  private answerMs: number | undefined;
  private lastMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly wait: Wait,
  ) {
    this.askedMs = clock.nowMs();
    this.beforeAskedMs = wait.submitted().beforeSubmitMs;
  }

  /** Something of the answer has come. */
  take(type: "thinking" | "text"): void {
    this.lastMs = this.clock.nowMs();
    this.firstMs ??= this.lastMs;
    if (type === "text") this.answerMs ??= this.lastMs;
  }

  /** With what the server has told so far. */
  figures({ promptTokens, cachedTokens, completionTokens, thoughtTokens }: ServerUsage): TurnFigures {
    const { firstMs, lastMs, askedMs } = this;
    const generated = completionTokens ?? 0;
    const reused = Math.min(cachedTokens ?? 0, promptTokens ?? 0);
    const ttftMs = firstMs === undefined ? 0 : firstMs - askedMs;
    const decodeMs = firstMs === undefined ? 0 : lastMs - firstMs;
    const untold: UntoldCount[] = [];
    if (promptTokens === undefined) untold.push("prompt");
    if (cachedTokens === undefined) untold.push("reused");
    if (completionTokens === undefined) untold.push("generated");
    const thinkingMs = firstMs === undefined ? 0 : (this.answerMs ?? lastMs) - firstMs;
    return {
      promptTokens: promptTokens ?? 0,
      reusedTokens: reused,
      prefilledTokens: (promptTokens ?? 0) - reused,
      generatedTokens: generated,
      ttftMs,
      restoreMs: 0,
      ...(firstMs === undefined ? {} : { waitMs: Math.max(this.beforeAskedMs + ttftMs, this.wait.commitMs) }),
      decodeTokensPerSecond: generated > 1 && decodeMs > 0 ? ((generated - 1) * 1000) / decodeMs : 0,
      ...((thoughtTokens ?? 0) > 0 ? { thinking: { tokens: thoughtTokens ?? 0, ms: thinkingMs } } : {}),
      cache: { tier: reused > 0 ? "hot" : "cold" },
      by: "server",
      ...(untold.length === 0 ? {} : { untold }),
    };
  }
}
