import { Environment, Interpreter } from "@huggingface/jinja";
import type { ChatMessage } from "./messages";
import {
  integerOf,
  isAssignment,
  isCondition,
  isIdentifier,
  isLoop,
  isMember,
  isSlice,
  memberName,
  type Node,
  outerLoops,
  type Value,
} from "./templateNodes";

/** The template cannot be resumed in the middle: its output may depend on all messages. */
export class NotResumable extends Error {}

/** State of a template's loop over the messages. */
export interface LoopState {
  /** Number of messages that the loop has passed. */
  readonly count: number;
  readonly variables: ReadonlyMap<string, Value>;
  readonly last: ChatMessage;
}

export interface WalkInput {
  readonly body: readonly Node[];
  readonly globals: Environment;
  /** The first message of all. */
  readonly first: ChatMessage;
  /** State after the messages that were rendered before; absent: none were. */
  readonly state: LoopState | undefined;
  /** The messages behind it. */
  readonly next: readonly ChatMessage[];
  /** The last of `next` is the last of all messages; otherwise more may follow, and the walk ends with the loop. */
  readonly isWhole: boolean;
}

/**
 * Runs a template over the last messages only, with the state that it had after the earlier ones. The template may use
 * only what does not change when messages are added: the first message, the loop's messages up to the current one, and
 * the loop's variables. Any other use of the list of messages throws `NotResumable`.
 */
export class TemplateWalk extends Interpreter {
  /** Output before the loop, in it, and after it. */
  opening = "";
  pieces = "";
  closing = "";
  state: LoopState | undefined;

  private phase: "opening" | "loop" | "closing" = "opening";
  private readonly loops: ReadonlySet<Node>;
  /** Lists of the messages from the value on; the messages themselves are not in them. */
  private readonly lists = new Map<Value, number>();
  private loop: Value | undefined;
  /** Index of the loop's message, and whether it is the last of all. */
  private current = 0;
  private isLast = false;
  private readonly values = new Map<number, Value>();
  /** The expression whose value may be a list or the loop's state. */
  private allowed: Node | undefined;

  constructor(private readonly input: WalkInput) {
    super(new Environment(input.globals));
    this.loops = new Set(outerLoops(input.body));
    this.global.setVariable("messages", this.newList(0));
  }

  walk(): void {
    this.walkBlock(this.input.body);
    if (this.phase === "opening") throw new NotResumable("there is no loop over the messages");
  }

  override evaluate(node: Node | undefined, environment: Environment): Value {
    if (node === undefined) return super.evaluate(node, environment);
    if (isMember(node)) return this.evaluateMember(node, environment);
    if (isAssignment(node)) return this.assign(node, environment);
    if (node.type === "Break" || node.type === "Continue") throw new NotResumable("it leaves its loop early");
    const isAllowed = this.allowed === node;
    this.allowed = undefined;
    const value = super.evaluate(node, environment);
    if (!isAllowed && (this.lists.has(value) || value === this.loop))
      throw new NotResumable("it looks at all messages");
    return value;
  }

  private walkBlock(block: readonly Node[]): void {
    for (const node of block) {
      if (this.phase === "closing" && !this.input.isWhole) return;
      if (isCondition(node) && outerLoops([node]).length > 0) {
        const test = this.evaluate(node.test, this.global).__bool__().value;
        this.walkBlock(test ? node.body : node.alternate);
      } else if (!(this.loops.has(node) && this.walkLoop(node))) this.write(this.evaluate(node, this.global));
    }
  }

  private write(value: Value): void {
    if (value.type === "NullValue" || value.type === "UndefinedValue") return;
    if (this.phase === "opening") this.opening += value.toString();
    else this.closing += value.toString();
  }

  /** false: it is a loop over something else. */
  private walkLoop(node: Node): boolean {
    if (!isLoop(node)) return false;
    const iterable =
      isIdentifier(node.iterable) || isMember(node.iterable) ? this.evaluateList(node.iterable) : undefined;
    const offset = iterable === undefined ? undefined : this.lists.get(iterable);
    if (offset === undefined) return false;
    if (this.phase !== "opening" || !isIdentifier(node.loopvar)) throw new NotResumable("it has several loops");
    this.phase = "loop";
    const { state, next, isWhole } = this.input;
    const scope = new Environment(this.global);
    for (const [name, value] of state?.variables ?? []) scope.variables.set(name, value);
    const before = state?.count ?? 0;
    const body = { type: "Program", body: node.body };
    for (const index of next.keys()) {
      this.current = before + index;
      if (this.current < offset) continue;
      this.isLast = isWhole && index === next.length - 1;
      const position = this.current - offset;
      const first = position === 0;
      this.loop = runtimeValue({ index: position + 1, index0: position, first, last: this.isLast });
      scope.setVariable("loop", this.loop);
      scope.setVariable(node.loopvar.value, this.messageAt(this.current));
      this.pieces += this.evaluate(body, scope).toString();
    }
    const last = next.at(-1);
    if (last !== undefined) this.state = { count: before + next.length, variables: new Map(scope.variables), last };
    this.phase = "closing";
    this.loop = undefined;
    return true;
  }

  private assign(node: Node & { assignee: Node; value: Node | null }, environment: Environment): Value {
    if (this.phase === "loop" && !isIdentifier(node.assignee)) throw new NotResumable("it stores state in its loop");
    // A list may have a second name.
    if (this.phase === "opening" && isIdentifier(node.assignee) && node.value !== null) {
      const { value } = node;
      const list = isIdentifier(value) || isMember(value) ? this.evaluateList(value, environment) : undefined;
      if (list !== undefined && this.lists.has(list)) {
        environment.setVariable(node.assignee.value, list);
        return runtimeValue(null);
      }
    }
    return super.evaluate(node, environment);
  }

  private evaluateList(node: Node, environment: Environment = this.global): Value {
    if (isMember(node)) return this.evaluateMember(node, environment, true);
    this.allowed = node;
    return this.evaluate(node, environment);
  }

  private evaluateMember(
    node: Node & { object: Node; property: Node; computed: boolean },
    environment: Environment,
    mayBeList = false,
  ): Value {
    if (!isIdentifier(node.object)) return super.evaluate(node, environment);
    this.allowed = node.object;
    const object = this.evaluate(node.object, environment);
    const offset = this.lists.get(object);
    if (offset !== undefined) return this.memberOfList(node, offset, environment, mayBeList);
    if (object === this.loop) {
      const name = memberName(node);
      if (name === undefined || !["index", "index0", "first", "last"].includes(name)) {
        throw new NotResumable("it looks at what follows in its loop");
      }
    }
    this.allowed = node.object;
    return super.evaluate(node, environment);
  }

  private memberOfList(
    { property, computed }: { readonly property: Node; readonly computed: boolean },
    offset: number,
    environment: Environment,
    mayBeList: boolean,
  ): Value {
    if (isSlice(property)) {
      const start = property.start === undefined ? 0 : integerOf(property.start);
      const isRest = property.stop === undefined && property.step === undefined;
      if (!mayBeList || !isRest || start === undefined) throw new NotResumable("it looks at some of the messages");
      return this.newList(offset + start);
    }
    const index = computed ? this.evaluate(property, environment).value : integerOf(property);
    if (typeof index !== "number") throw new NotResumable("it looks at the list of messages");
    return this.messageAt(index < 0 ? this.fromEnd(index) : index + offset);
  }

  private fromEnd(index: number): number {
    const { state, next, isWhole } = this.input;
    const isKnown = isWhole && (this.phase === "closing" || (this.phase === "loop" && this.isLast));
    if (!isKnown) throw new NotResumable("it looks at the last messages");
    return (state?.count ?? 0) + next.length + index;
  }

  /** A message that may be used wherever the conversation ends. */
  private messageAt(index: number): Value {
    const { first, state, next } = this.input;
    const before = state?.count ?? 0;
    const isReached = index === 0 || this.phase === "closing" || (this.phase === "loop" && index <= this.current);
    const message = index === 0 ? first : index === before - 1 ? state?.last : next[index - before];
    if (!isReached || message === undefined) throw new NotResumable("it looks at another message");
    const known = this.values.get(index);
    if (known !== undefined) return known;
    const { role, content } = message;
    const value = runtimeValue({ role, content });
    this.values.set(index, value);
    return value;
  }

  private newList(offset: number): Value {
    const list = runtimeValue([]);
    this.lists.set(list, offset);
    return list;
  }
}

/** Creates a value as the library does. */
function runtimeValue(value: unknown): Value {
  return new Environment().set("value", value);
}
