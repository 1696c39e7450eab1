import type { ToolCall } from "../../common/tools";
import type { BlockEnd, BlockStart } from "./block";
import type { Checked, DeclaredTools } from "./declaredTools";
import type { ToolFormat } from "./formats";
import { nameIn } from "./nameIn";
import { type DroppedCall, type ParsedPart, shown, unseen } from "./parsed";
import { type BlockCalls, looksLikeCalls, textBehindCalls } from "./readCalls";

type Malformed = Extract<BlockEnd, { readonly kind: "malformed" }>;

/** Decides what becomes of a block that has ended: calls, text, or a call that is dropped. */
export class Outcomes {
  constructor(
    private readonly format: ToolFormat,
    private readonly tools: DeclaredTools,
    private readonly newId: () => string,
  ) {}

  partOf(start: BlockStart, ended: BlockEnd): ParsedPart {
    const raw = start.space + start.mark + ended.said;
    switch (ended.kind) {
      case "hidden":
        return unseen(raw);
      case "calls":
        return this.called(start, ended.read, ended.said);
      case "cut":
        return this.cut(start, ended.said, ended.read);
      case "malformed":
        return this.malformed(start, ended, raw);
    }
  }

  private called(start: BlockStart, read: BlockCalls, said: string): ParsedPart {
    const raw = start.space + start.mark + said;
    const checked = read.calls.map((written) => ({ written, ...this.tools.check(written) }));
    const failed = checked.filter(({ kind }) => kind !== "call");
    // Only a whole call makes a call of what does not begin with a mark.
    if (failed.length > 0 && !start.isTrusted) return shown(raw);
    const calls = checked.flatMap((call) => this.callOf(call));
    const [first] = failed;
    const left = textBehindCalls(said.slice(read.end), this.format);
    if (first === undefined || first.kind === "call") return { text: left, raw, calls };
    const texts = failed.map(({ written }) => said.slice(written.start, written.end));
    const { kind: reason, name } = first;
    const dropped: DroppedCall = { reason, text: texts[0] ?? "", name };
    return { text: start.space + [...texts, left].filter((text) => text !== "").join("\n"), raw, calls, dropped };
  }

  private callOf(checked: Checked): readonly ToolCall[] {
    if (checked.kind !== "call") return [];
    return [{ id: this.newId(), name: checked.name, arguments: checked.arguments }];
  }

  /** What was said whole before the cut is called. */
  private cut(start: BlockStart, said: string, read: BlockCalls | undefined): ParsedPart {
    const raw = start.space + start.mark + said;
    const text = said.slice(read?.end ?? 0);
    const name = nameIn(text);
    const isCall = start.isTrusted || (name !== undefined && this.tools.isTool(name));
    if (!isCall) return shown(raw);
    const dropped: DroppedCall = { reason: "cut", text, ...(name === undefined ? {} : { name }) };
    const calls = (read?.calls ?? []).flatMap((written) => this.callOf(this.tools.check(written)));
    return { text: "", raw, calls, dropped };
  }

  /** Never hidden: without its marks where it was meant as a call, as it is where it only speaks of one. */
  private malformed(start: BlockStart, { inside, said }: Malformed, raw: string): ParsedPart {
    const name = nameIn(said);
    const isKnown = name !== undefined && this.tools.isTool(name);
    const isMeant = start.isTrusted && (start.mark === "" ? isKnown : looksLikeCalls(inside, this.format));
    if (!isMeant) return shown(raw);
    const dropped: DroppedCall = { reason: "malformed", text: inside, ...(name === undefined ? {} : { name }) };
    return { text: start.space + inside, raw, calls: [], dropped };
  }
}
