import type { BlockPool } from "./blockPool";
import type { GenerationTask } from "./generationTask";
import type { MakeRoom } from "./ports";

/** What came of looking for room: there is some; it is being made; nobody has any to give. */
export type Room = "found" | "asked" | "none";

/** Asks the world to release idle caches, once for each state of the pool, so that waiting costs nothing. */
export class RoomFinder {
  private asked: { readonly task: GenerationTask; readonly availableBlocks: number } | undefined;
  private answering = false;

  constructor(
    private readonly pool: BlockPool,
    private readonly makeRoom: MakeRoom,
    private readonly onAnswer: () => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  find(task: GenerationTask, missingBlocks: number): Room {
    if (this.answering) return "asked";
    const { availableBlocks } = this.pool;
    if (this.asked?.task === task && this.asked.availableBlocks === availableBlocks) return "none";
    this.asked = { task, availableBlocks };
    const answer = this.ask(missingBlocks);
    if (typeof answer === "number") return this.pool.availableBlocks > availableBlocks ? "found" : "none";
    this.answering = true;
    void this.hear(answer);
    return "asked";
  }

  private ask(missingBlocks: number): number | Promise<number> {
    try {
      return this.makeRoom(missingBlocks);
    } catch (error) {
      this.onError(error);
      return 0;
    }
  }

  private async hear(answer: Promise<number>): Promise<void> {
    try {
      await answer;
    } catch (error) {
      this.onError(error);
    }
    this.answering = false;
    this.onAnswer();
  }
}
