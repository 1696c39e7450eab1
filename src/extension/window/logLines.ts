import type { LogLevel } from "../../common/log";

/** The newest lines of the log, with the time and level of each, in memory. */
export class LogLines {
  private readonly kept: string[] = [];

  constructor(
    private readonly maxLines: number,
    private readonly now: () => Date = () => new Date(),
  ) {}

  add(level: LogLevel, message: string): void {
    const time = this.now().toISOString().replace("T", " ").replace("Z", "");
    this.kept.push(`${time} [${level}] ${message}`);
    // Not at each line: removing from the front moves all others.
    if (this.kept.length > 2 * this.maxLines) this.kept.splice(0, this.kept.length - this.maxLines);
  }

  /** The oldest first. */
  text(): string {
    return this.kept
      .slice(-this.maxLines)
      .map((line) => `${line}\n`)
      .join("");
  }
}
