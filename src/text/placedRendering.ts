import { Interpreter, type Output } from "./jinja/interpreter";
import type { Block } from "./jinja/nodes";
import { Scope } from "./jinja/scope";
import { List, toValue, type Value } from "./jinja/values";

/** What a template wrote in the round of its loop for one message, as a stretch of the rendering. */
export interface Place<M> {
  readonly message: M;
  readonly start: number;
  readonly end: number;
}

/** Renders a whole conversation and notes where each message was written. */
export class PlacedRendering<M> extends Interpreter {
  private readonly output: Output = { text: "" };
  private readonly messages = new Map<Value, M>();
  private readonly starts = new Map<Value, number>();
  /** `undefined`: several rounds wrote something for the message, so its place is not known. */
  private readonly found = new Map<Value, Place<M> | undefined>();

  constructor(variables: ReadonlyMap<string, Value>, messages: readonly M[]) {
    super(variables);
    const values = messages.map(toValue);
    for (const [index, message] of messages.entries()) this.messages.set(values[index] ?? null, message);
    this.globals.set("messages", new List(values));
  }

  /** In the order of the text. Messages that the template writes in another way have no place. */
  get places(): readonly Place<M>[] {
    return [...this.found.values()]
      .filter((place) => place !== undefined)
      .sort((a, b) => a.start - b.start || a.end - b.end);
  }

  render(body: Block): string {
    this.runBlock(body, new Scope(this.globals), this.output);
    return this.output.text;
  }

  protected override beginsItem(item: Value, output: Output): void {
    if (output === this.output && this.messages.has(item)) this.starts.set(item, output.text.length);
  }

  protected override endsItem(item: Value, output: Output): void {
    const message = output === this.output ? this.messages.get(item) : undefined;
    const start = this.starts.get(item);
    if (message === undefined || start === undefined || output.text.length === start) return;
    const place = { message, start, end: output.text.length };
    this.found.set(item, this.found.has(item) ? undefined : place);
  }
}
