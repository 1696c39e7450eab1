import { Interpreter, type Output } from "./jinja/interpreter";
import type { Block, Condition, Loop, Statement } from "./jinja/nodes";
import { Scope } from "./jinja/scope";
import { Special, toValue, Undefined, type Value } from "./jinja/values";
import type { Place } from "./placedRendering";

/** The template cannot be resumed in the middle: its output may depend on all messages. */
export class NotResumable extends Error {}

/** State of a template's loop over the messages. */
export interface LoopState<M> {
  /** Number of messages that the loop has passed. */
  readonly count: number;
  readonly last: M;
}

export interface WalkInput<M> {
  readonly body: Block;
  /** All but the messages. */
  readonly variables: ReadonlyMap<string, Value>;
  /** The first message of all. */
  readonly first: M;
  /** State after the messages that were rendered before; absent: none were. */
  readonly state: LoopState<M> | undefined;
  /** The messages behind it. */
  readonly next: readonly M[];
  /** The last of `next` is the last of all messages; otherwise more may follow, and the walk ends with the loop. */
  readonly isWhole: boolean;
}

/**
 * Runs a template over the last messages only. The template may use only what does not change when messages are added:
 * the first message, and in the loop the messages that are rendered with the current one. Any other use of the list of messages throws
 * `NotResumable`. A loop's variables end with each message, so nothing else goes from one message to the next.
 */
export class TemplateWalk<M> extends Interpreter {
  /** Output before the loop, in it, and after it. */
  opening = "";
  pieces = "";
  closing = "";
  /** Where the loop wrote which message, as places in `pieces`. */
  readonly places: Place<M>[] = [];
  state: LoopState<M> | undefined;

  private phase: "opening" | "loop" | "closing" = "opening";
  /** Index of the loop's message, and whether it is the last of all. */
  private current = 0;
  private isLast = false;
  private readonly values = new Map<number, Value>();

  constructor(private readonly input: WalkInput<M>) {
    super(input.variables);
    this.globals.set("messages", this.list(0));
  }

  walk(): void {
    this.walkBlock(this.input.body, new Scope(this.globals));
    if (this.phase === "opening") throw new NotResumable("there is no loop over the messages");
  }

  /** An object of the opening is made again in the next walk, so the loop must not change it. */
  protected override willChange(): void {
    if (this.phase === "loop") throw new NotResumable("it stores state in its loop");
  }

  private walkBlock(block: Block, scope: Scope): void {
    for (const statement of block) {
      if (this.phase === "closing" && !this.input.isWhole) return;
      if (statement.kind === "if" && hasLoop(statement)) {
        this.walkBlock(this.holds(statement.test, scope) ? statement.body : statement.otherwise, scope);
      } else if (statement.kind === "for") this.walkFor(statement, scope);
      else this.write((output) => this.runStatement(statement, scope, output));
    }
  }

  private write(run: (output: Output) => void): void {
    const output: Output = { text: "" };
    run(output);
    if (this.phase === "opening") this.opening += output.text;
    else this.closing += output.text;
  }

  private walkFor(loop: Loop, scope: Scope): void {
    const iterable = this.evaluate(loop.iterable, scope);
    if (iterable instanceof MessageList) this.walkMessages(loop, iterable.offset, scope);
    else this.write((output) => this.runLoop(loop, iterable, scope, output));
  }

  private walkMessages(loop: Loop, offset: number, scope: Scope): void {
    if (this.phase !== "opening") throw new NotResumable("it has several loops");
    if (loop.test !== undefined || loop.otherwise.length > 0)
      throw new NotResumable("it looks at some of the messages");
    this.phase = "loop";
    const { state, next, isWhole } = this.input;
    const before = state?.count ?? 0;
    const output: Output = { text: "" };
    for (const [index, message] of next.entries()) {
      this.current = before + index;
      if (this.current < offset) continue;
      this.isLast = isWhole && index === next.length - 1;
      const inside = new Scope(scope);
      inside.set("loop", new MessageLoop(this.current - offset, this.isLast));
      this.assign(loop.target, this.messageAt(this.current), inside);
      const start = output.text.length;
      if (this.runBlock(loop.body, inside, output) === "break") throw new NotResumable("it leaves its loop early");
      if (output.text.length > start) this.places.push({ message, start, end: output.text.length });
    }
    this.pieces = output.text;
    const last = next.at(-1);
    if (last !== undefined) this.state = { count: before + next.length, last };
    this.phase = "closing";
  }

  private list(offset: number): MessageList {
    return new MessageList(
      offset,
      (from) => this.list(from),
      (index) => this.messageAt(this.fromStart(index, offset)),
    );
  }

  private fromStart(index: number, offset: number): number {
    if (index >= 0) return index + offset;
    const { state, next, isWhole } = this.input;
    const isKnown = isWhole && (this.phase === "closing" || (this.phase === "loop" && this.isLast));
    if (!isKnown) throw new NotResumable("it looks at the last messages");
    return (state?.count ?? 0) + next.length + index;
  }

  /** A message that may be used wherever the conversation ends. */
  private messageAt(index: number): Value {
    const { first, state, next } = this.input;
    const before = state?.count ?? 0;
    // A message of this walk may look at those behind it in the walk: they never become others.
    const isReached = index === 0 || this.phase !== "opening";
    const message = index === 0 ? first : index === before - 1 ? state?.last : next[index - before];
    if (!isReached || message === undefined) throw new NotResumable("it looks at another message");
    const known = this.values.get(index);
    if (known !== undefined) return known;
    const value = toValue(message);
    this.values.set(index, value);
    return value;
  }
}

/** The messages from one on. They are not in it: whatever a template learns from it must be true for more messages. */
class MessageList extends Special {
  protected readonly typeName = "list";

  constructor(
    readonly offset: number,
    private readonly from: (offset: number) => MessageList,
    private readonly at: (index: number) => Value,
  ) {
    super();
  }

  override item(key: Value): Value {
    if (typeof key !== "number") throw new NotResumable("it looks at the list of messages");
    return this.at(key);
  }

  override slice(start: Value, stop: Value, step: Value): Value {
    const isRest = stop === null && (step === null || step === 1);
    const from = start === null ? 0 : start;
    if (!isRest || typeof from !== "number" || from < 0) throw new NotResumable("it looks at some of the messages");
    return this.from(this.offset + from);
  }

  override iterate(): readonly Value[] {
    throw new NotResumable("it looks at all messages");
  }

  /** There is always one message; the rest of them may be empty. */
  override isTrue(): boolean {
    if (this.offset === 0) return true;
    throw new NotResumable("it looks at the number of messages");
  }

  override willCompare(): void {
    throw new NotResumable("it compares the messages");
  }

  override text(): string {
    throw new NotResumable("it writes the list of messages");
  }
}

/** The loop over the messages knows what came before only. */
class MessageLoop extends Special {
  protected readonly typeName = "LoopContext";

  constructor(
    private readonly index0: number,
    private readonly isLast: boolean,
  ) {
    super();
  }

  override attribute(name: string): Value {
    if (name === "index") return this.index0 + 1;
    if (name === "index0") return this.index0;
    if (name === "first") return this.index0 === 0;
    if (name === "last") return this.isLast;
    throw new NotResumable("it looks at what follows in its loop");
  }

  override item(key: Value): Value {
    return typeof key === "string" ? this.attribute(key) : new Undefined("there is no such member");
  }
}

/** Loops in a condition itself: their text goes to the output unchanged. */
function hasLoop({ body, otherwise }: Condition): boolean {
  const isLoop = (statement: Statement): boolean =>
    statement.kind === "for" || (statement.kind === "if" && hasLoop(statement));
  return body.some(isLoop) || otherwise.some(isLoop);
}
