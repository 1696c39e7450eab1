import { boundedJsonIn } from "../common/boundedJson";
import { isObject, listOf, objectOf } from "../common/json";
import type { DroppedCall, JsonObject, ToolCall } from "../common/tools";

export interface AssembledCalls {
  readonly calls: readonly ToolCall[];
  readonly dropped: readonly DroppedCall[];
}

/** The call that a name and arguments are, as an object or as the text of one, or why they are none that can be made. */
export type ReadCall = (
  name: string,
  said: string | JsonObject,
) =>
  | { readonly kind: "call"; readonly name: string; readonly arguments: JsonObject }
  | { readonly kind: "unknown" | "malformed" };

/** More calls, or characters of all arguments together, are no answer. */
export const mostCalls = 128;
export const mostCallCharacters = 4 << 20;

interface OpenCall {
  id: string;
  name: string;
  readonly pieces: string[];
  /** Arguments that came as an object. */
  whole?: JsonObject;
}

/**
 * Puts calls together from the pieces of a stream. Pieces of one call have its index; servers differ in the rest: whole
 * calls without pieces, all with index 0 or with none, without ids or with the ids of earlier answers, a name that is
 * repeated in every piece, arguments as an object or as JSON inside of JSON.
 */
export class CallAssembler {
  private readonly open: OpenCall[] = [];
  private readonly byIndex = new Map<number, OpenCall>();
  private characters = 0;

  /** Adds the `tool_calls` of one event. Returns what is too large, if anything: then no more may be added. */
  push(toolCalls: unknown): "calls" | "arguments" | undefined {
    for (const piece of listOf(toolCalls)) {
      this.add(objectOf(piece));
      if (this.open.length > mostCalls) return "calls";
      if (this.characters > mostCallCharacters) return "arguments";
    }
    return undefined;
  }

  get isEmpty(): boolean {
    return this.open.length === 0;
  }

  /**
   * `isCut`: the answer ended early, so the last call may be incomplete though it can be read. `usedIds`: of earlier
   * calls of the conversation.
   */
  finish(read: ReadCall, usedIds: ReadonlySet<string>, newId: () => string, isCut: boolean): AssembledCalls {
    const calls: ToolCall[] = [];
    const dropped: DroppedCall[] = [];
    const seen = new Set(usedIds);
    for (const call of this.open) {
      const said = call.whole ?? call.pieces.join("");
      const isLastOfCut = isCut && call === this.open.at(-1);
      const made = isLastOfCut ? ({ kind: "cut" } as const) : read(call.name, said);
      if (made.kind !== "call") {
        dropped.push({ reason: made.kind, name: call.name, text: textOfCall(call) });
        continue;
      }
      const id = call.id === "" || call.id.length > 256 || seen.has(call.id) ? newId() : call.id;
      seen.add(id);
      calls.push({ id, name: made.name, arguments: made.arguments });
    }
    return { calls, dropped };
  }

  private add(piece: JsonObject): void {
    const { name, arguments: said } = objectOf(piece["function"]);
    const given = { id: textOf(piece["id"]), name: textOf(name) };
    const index = piece["index"];
    const call = this.callOf(typeof index === "number" ? index : undefined, given);
    if (isObject(said)) {
      call.whole = said;
      this.characters += JSON.stringify(said).length;
    } else if (typeof said === "string") {
      call.pieces.push(said);
      this.characters += said.length;
    }
    this.characters += given.name.length;
  }

  private callOf(index: number | undefined, { id, name }: { readonly id: string; readonly name: string }): OpenCall {
    const known = index === undefined ? this.open.at(-1) : this.byIndex.get(index);
    if (known !== undefined && !isAnother(known, id, name)) {
      if (known.id === "") known.id = id;
      if (known.name === "") known.name = name;
      return known;
    }
    const made: OpenCall = { id, name, pieces: [] };
    this.open.push(made);
    if (index !== undefined) this.byIndex.set(index, made);
    return made;
  }
}

/** Whether a piece begins a new call although its index, or its place, is that of `known`. */
function isAnother(known: OpenCall, id: string, name: string): boolean {
  if (id !== "" && known.id !== "") return id !== known.id;
  if (name === "" || known.name === "") return false;
  return name !== known.name || isWhole(known);
}

function isWhole({ pieces, whole }: OpenCall): boolean {
  if (whole !== undefined) return true;
  const text = pieces.join("");
  return text.trimEnd().endsWith("}") && isObject(boundedJsonIn(text));
}

function textOfCall({ pieces, whole }: OpenCall): string {
  return whole === undefined ? pieces.join("") : JSON.stringify(whole);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
