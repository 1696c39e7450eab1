import type { CDPSession, Page } from "playwright-core";

/** What was shown from `atMs` on, in milliseconds since the recording began. */
export interface Frame {
  readonly png: Buffer;
  readonly atMs: number;
}

/** Records what the browser shows: one frame for each change of the screen. */
export class Recording {
  private readonly frames: Frame[] = [];
  private readonly startedAtMs = Date.now();

  private constructor(private readonly session: CDPSession) {}

  static async start(page: Page): Promise<Recording> {
    const session = await page.context().newCDPSession(page);
    const recording = new Recording(session);
    session.on("Page.screencastFrame", ({ data, sessionId }) => {
      recording.frames.push({ png: Buffer.from(data, "base64"), atMs: recording.nowMs });
      void session.send("Page.screencastFrameAck", { sessionId });
    });
    await session.send("Page.startScreencast", { format: "png" });
    return recording;
  }

  /** Milliseconds since the recording began. */
  get nowMs(): number {
    return Date.now() - this.startedAtMs;
  }

  async stop(): Promise<readonly Frame[]> {
    await this.session.send("Page.stopScreencast");
    await this.session.detach();
    return this.frames;
  }
}
