import type { Formats } from "../../common/format";
import type { ChatCommand, ChatSnapshot } from "../../protocol/chat";
import type { PageTurn } from "../../protocol/page";
import { Answers } from "../shared/answers";
import { Follow } from "../shared/follow";
import { part } from "../shared/frame";
import { Slot } from "../shared/slot";
import type { TreeNode } from "../shared/tree";
import { BranchesView } from "./branches";
import { runningTurn } from "./derived";
import { type TurnPlace, turnView } from "./turn";

export interface TranscriptPorts {
  readonly run: (command: ChatCommand) => void;
  readonly edit: (turn: PageTurn) => void;
  readonly scrolled: () => void;
}

/** The turns of the conversation, oldest first, and below them its other branches. */
export class Transcript {
  readonly element = part("div", "log", {
    role: "log",
    "aria-label": "Conversation",
    "aria-live": "off",
    tabindex: "0",
  });
  /** Stands over the transcript's end while there is unseen text below. */
  readonly newText = part("button", "btn second small new-text");
  readonly follow: Follow;
  private readonly turns = new Slot(part("div", "col"));
  private readonly answers: Answers;
  private readonly branches: BranchesView;
  private readonly rendered = new Map<
    string,
    { readonly turn: PageTurn; readonly place: string; readonly node: TreeNode }
  >();

  constructor(private readonly ports: TranscriptPorts) {
    this.newText.textContent = "New text";
    this.newText.hidden = true;
    this.answers = new Answers(ports.run);
    this.branches = new BranchesView(ports.run);
    this.element.append(this.turns.element);
    this.follow = new Follow(this.element, this.newText, ports.scrolled);
  }

  render(snapshot: ChatSnapshot, formats: Formats): void {
    const fixed = runningTurn(snapshot) !== undefined || snapshot.readOnly !== undefined;
    this.turns.show(this.turnViews(snapshot, fixed, formats), this.branches.show(snapshot, fixed, formats));
  }

  /** The next render makes every turn anew: numbers are written in another language. */
  forget(): void {
    this.rendered.clear();
  }

  /** A turn that did not change keeps its tree, so that the patch skips it. */
  private turnViews(snapshot: ChatSnapshot, fixed: boolean, formats: Formats): readonly TreeNode[] {
    const ids = new Set(snapshot.turns.map(({ id }) => id));
    for (const id of this.rendered.keys()) if (!ids.has(id)) this.rendered.delete(id);
    this.answers.keepOnly(ids);
    return snapshot.turns.map((turn, index) => {
      const place: TurnPlace = { number: index + 1, isHead: index === snapshot.turns.length - 1, fixed };
      const placeKey = JSON.stringify(place);
      const kept = this.rendered.get(turn.id);
      if (kept?.turn === turn && kept.place === placeKey) return kept.node;
      const { run, edit } = this.ports;
      const node = turnView(turn, place, { formats, answers: this.answers, run, edit: () => edit(turn) });
      this.rendered.set(turn.id, { turn, place: placeKey, node });
      return node;
    });
  }
}
