import assert from "node:assert/strict";
import type { Frame, Locator } from "playwright-core";
import { until } from "./until";
import type { Workbench } from "./workbench";

/** The starter model's own answers to these: "The capital of France is Paris.", and hundreds of tokens. */
export const shortQuestion = "What is the capital of France?";
export const longQuestion = "Write a long story about the sea.";

/** From a message to the end of its answer, model load included. */
const answerLimitMs = 60_000;

/** What a turn says of itself, in tokens. */
export interface ShownFigures {
  readonly reused: number;
  readonly prefilled: number;
  readonly generated: number;
}

/** The chat page of one agent, found and used by what it says to assistive technology. */
export class Chat {
  private constructor(
    private readonly workbench: Workbench,
    readonly frame: Frame,
    private readonly agent: string,
  ) {}

  /** The open panel of `agent`. */
  static async of(workbench: Workbench, agent: string): Promise<Chat> {
    const frame = await workbench.webview(`main.chat textarea[aria-label="Message to ${agent}"]`);
    return new Chat(workbench, frame, agent);
  }

  /** Makes an agent by the palette; its panel opens. */
  static async create(workbench: Workbench, agent: string): Promise<Chat> {
    await workbench.answer("Resident: New Agent", "New Agent", agent);
    return Chat.of(workbench, agent);
  }

  get message(): Locator {
    return this.frame.getByRole("textbox", { name: `Message to ${this.agent}` });
  }

  get turns(): Locator {
    return this.frame.getByRole("log", { name: "Conversation" }).getByRole("article");
  }

  get lastTurn(): Locator {
    return this.turns.last();
  }

  get lastAnswer(): Locator {
    return this.lastTurn.locator(".answer");
  }

  /** Types and sends with Enter; resolves when the turn is shown. */
  async send(text: string): Promise<void> {
    const before = await this.turns.count();
    await this.message.fill(text);
    await this.message.press("Enter");
    await this.turns.nth(before).waitFor();
  }

  /** What the agent's chip says of its cache. */
  async tokensInMemory(): Promise<number> {
    const title = (await this.frame.getByTitle(/^Hot: /).getAttribute("title")) ?? "";
    return figure(title, "tokens are in memory");
  }

  /** Resolves when the agent has so many tokens in memory. */
  async inMemory(tokens: number): Promise<void> {
    const there = async () => (await this.tokensInMemory()) >= tokens;
    await until(`the agent has ${tokens} tokens in memory`, there, answerLimitMs);
  }

  /** Resolves when some of the answer is there and more is coming. */
  async streaming(): Promise<void> {
    await this.frame.getByRole("article", { name: /, answering$/ }).waitFor({ timeout: answerLimitMs });
  }

  /** Resolves when the running answer is longer than `length` characters. */
  async grown(length: number): Promise<void> {
    await this.lastAnswer
      .locator(".md", { hasText: new RegExp(`.{${length + 1}}`, "s") })
      .waitFor({ timeout: answerLimitMs });
  }

  /** The turn's figures once its answer has ended. */
  figures(): Promise<ShownFigures> {
    return shownFigures(this.lastTurn.getByRole("list", { name: "Turn figures", exact: true }));
  }

  /** The turn's figures as soon as its answer has begun. */
  figuresSoFar(): Promise<ShownFigures> {
    return shownFigures(this.lastTurn.getByRole("list", { name: /^Turn figures/ }));
  }

  screenshot(name: string): Promise<void> {
    return this.workbench.screenshot(name);
  }
}

/** Reads a turn's list of figures when it is there. A list that the page replaces meanwhile is read again. */
export async function shownFigures(list: Locator): Promise<ShownFigures> {
  const end = Date.now() + answerLimitMs;
  for (;;) {
    await list.waitFor({ timeout: answerLimitMs });
    const text = (await list.getByRole("listitem").allTextContents()).join(", ");
    if (text === "" && Date.now() < end) continue;
    return {
      reused: figure(text, "reused"),
      prefilled: figure(text, "prefilled"),
      generated: figure(text, "generated"),
    };
  }
}

/** "1,234 reused" → 1234 */
function figure(text: string, unit: string): number {
  const shown = new RegExp(`([\\d,]+) ${unit}`).exec(text)?.[1];
  assert(shown !== undefined, `no "${unit}" in: ${text}`);
  return shownNumber(shown);
}

/** "1,234" → 1234 */
export function shownNumber(text: string): number {
  return Number(text.replaceAll(",", ""));
}
