import type { Formats } from "../../common/format";
import type { RoomCommand, RoomSnapshot } from "../../protocol/room";
import { Answers } from "../shared/answers";
import { Follow } from "../shared/follow";
import { part } from "../shared/frame";
import { KeptTrees } from "../shared/kept";
import { Slot } from "../shared/slot";
import type { TreeNode } from "../shared/tree";
import { TurnStops } from "../shared/turnStops";
import { type AnswerContext, answerKey } from "./answer";
import { newestAnswers } from "./derived";
import { messageView } from "./message";
import { modelGroups, modelState } from "./modelGroups";

export interface ConversationPorts {
  readonly run: (command: RoomCommand) => void;
  readonly fold: AnswerContext["fold"];
  readonly scrolled: () => void;
  /** "New text" brought the reader to the end. */
  readonly jumped: () => void;
}

/** The messages to the room with their answers, oldest first. */
export class Conversation {
  readonly element = part("div", "log", { role: "log", "aria-label": "Room conversation", "aria-live": "off" });
  /** Stands over the conversation's end while there is unseen text below. */
  readonly newText = part("button", "btn second small new-text");
  private readonly messages = new Slot(part("div", "messages"));
  private readonly stops = new TurnStops(this.messages.element);
  private readonly kept = new KeptTrees();
  private readonly answers: Answers;
  private readonly follow: Follow;
  private formats: Formats | undefined;

  constructor(private readonly ports: ConversationPorts) {
    this.newText.textContent = "New text";
    this.newText.hidden = true;
    this.answers = new Answers(ports.run);
    this.element.append(this.stops.start, this.messages.element, this.stops.end);
    this.follow = new Follow(this.element, this.newText, ports);
  }

  render(snapshot: RoomSnapshot, formats: Formats): void {
    if (formats !== this.formats) this.kept.clear();
    this.formats = formats;
    this.messages.show(this.views(snapshot, formats));
    this.stops.listed();
  }

  /** After everything around it is in its place. */
  rendered(snapshot: RoomSnapshot): void {
    this.follow.rendered(endOf(snapshot));
  }

  toEnd(): void {
    this.follow.toEnd();
  }

  /** Where the reader is; `undefined` at the end. */
  get scrollTop(): number | undefined {
    return this.follow.scrollTop;
  }

  restore(scrollTop: number | undefined): void {
    this.follow.restore(scrollTop === undefined ? undefined : () => scrollTop);
  }

  /** The focus to the newest message. */
  focusLast(): void {
    this.stops.focusLast();
  }

  /** From inside a message to the message; false when the focus is not inside one. */
  stepOut(): boolean {
    return this.stops.stepOut();
  }

  /** What did not change keeps its tree, so that the patch skips it: an update costs what its answer costs. */
  private views({ messages, engine }: RoomSnapshot, formats: Formats): readonly TreeNode[] {
    const answerKeys = messages.flatMap(({ id, answers }) =>
      answers.flatMap(({ agent, earlier = [] }) => {
        const key = answerKey(id, agent);
        return [key, ...earlier.map((step) => `${key} ${step.id}`)];
      }),
    );
    this.kept.keepOnly(new Set([...messages.map(({ id }) => id), ...answerKeys]));
    this.answers.keepOnly(new Set(answerKeys));
    const newest = newestAnswers(messages);
    const { run, fold } = this.ports;
    const context: AnswerContext = { formats, answers: this.answers, kept: this.kept, run, fold };
    return messages.map((message, index) => {
      const number = index + 1;
      const newestOf = newest.get(message.id) ?? new Set();
      // The engine's state changes with every part of a load: only what is shown of it counts.
      const models = modelGroups(message).map((group) => modelState(group, engine));
      const from = [message, number, [...newestOf].join(), models.join()];
      return this.kept.view(message.id, from, () => messageView(message, { number, engine, newestOf }, context));
    });
  }
}

/** What the conversation ends with, for "New text". */
function endOf({ messages }: RoomSnapshot): string {
  const last = messages.at(-1);
  return last ? `${last.id} ${last.answers.map(({ turn }) => turn?.answer.length ?? 0).join(" ")}` : "";
}
