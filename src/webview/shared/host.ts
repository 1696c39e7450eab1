/** The page's side of the messages: one request, one answer; every other message is an update. */
import type { Problem, Reply, ToHost } from "../../protocol/page";

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

type Resolve = (problem: Problem | undefined) => void;

declare function acquireVsCodeApi(): VsCodeApi;

/** A place in a conversation that stays valid when the heights of the turns above it change. */
export interface TurnMark {
  readonly turn: string;
  /** Distance of the view's top from the turn's, in CSS pixels. */
  readonly offset: number;
}

/** The only state that a page keeps itself: the host sends all the rest again. */
export interface PageMemory {
  readonly draft: string;
  /** The draft is to take the place of this turn's message; `aside` is what was written before it was edited. */
  readonly editing?: { readonly turn: string; readonly aside: string };
  /** Where the reader is: the turn in the chat, the distance from the start in the room. Absent: at the end. */
  readonly place?: TurnMark;
  readonly scrollTop?: number;
  /** The turns of many steps that show all of them, by their ids. */
  readonly opened?: readonly string[];
}

export class Host<Command, Update extends { readonly type: string }> {
  private readonly api = acquireVsCodeApi();
  private readonly waiting = new Map<number, { readonly resolve: Resolve; readonly done: (() => void) | undefined }>();
  private nextId = 0;

  constructor(onUpdate: (update: Update) => void) {
    window.addEventListener("message", ({ data }: MessageEvent<Update | Reply>) => {
      if (isReply(data)) this.settle(data);
      else onUpdate(data);
    });
  }

  /** Asks for a whole snapshot: at the start, and when an update did not fit what the page has. */
  ready(): void {
    this.post({ type: "ready" });
  }

  /**
   * Resolves when the host has answered, with the problem when it could not do it. `done` is called when it has done it: not
   * when the person cancelled it.
   */
  request(command: Command, done?: () => void): Promise<Problem | undefined> {
    const id = this.nextId++;
    return new Promise((resolve) => {
      this.waiting.set(id, { resolve, done });
      this.post({ type: "request", id, command });
    });
  }

  get memory(): PageMemory {
    const state = this.api.getState();
    if (typeof state !== "object" || state === null) return { draft: "" };
    const draft = "draft" in state && typeof state.draft === "string" ? state.draft : "";
    const scrollTop = "scrollTop" in state && typeof state.scrollTop === "number" ? state.scrollTop : undefined;
    const place = "place" in state ? turnMark(state.place) : undefined;
    const editing = "editing" in state ? readEditing(state.editing) : undefined;
    const opened = "opened" in state && Array.isArray(state.opened) ? state.opened.filter(isText) : [];
    return {
      draft,
      ...(scrollTop === undefined ? {} : { scrollTop }),
      ...(place ? { place } : {}),
      ...(editing ? { editing } : {}),
      ...(opened.length > 0 ? { opened } : {}),
    };
  }

  /** Keeps what else the state holds: the host finds the agent's id in it when a panel is restored. */
  remember(memory: PageMemory): void {
    const none = { scrollTop: undefined, place: undefined, editing: undefined, opened: undefined };
    const kept = { ...none, ...asRecord(this.api.getState()) };
    const { scrollTop: _top, place: _place, editing: _editing, opened: _opened, ...others } = kept;
    this.api.setState({ ...others, ...memory });
  }

  /** Adds what the host needs to restore this page after a reload. */
  rememberId(id: string): void {
    this.api.setState({ ...asRecord(this.api.getState()), id });
  }

  private post(message: ToHost<Command>): void {
    this.api.postMessage(message);
  }

  private settle(reply: Reply): void {
    const request = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.type === "reply") request?.done?.();
    // A cancelled command is not a problem.
    const failed = reply.type === "failed" && reply.problem.error.code !== "ABORTED";
    request?.resolve(failed ? reply.problem : undefined);
  }
}

function readEditing(value: unknown): PageMemory["editing"] {
  if (typeof value !== "object" || value === null || !("turn" in value && "aside" in value)) return undefined;
  const { turn, aside } = value;
  return typeof turn === "string" && typeof aside === "string" ? { turn, aside } : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function asRecord(state: unknown): object {
  return typeof state === "object" && state !== null ? state : {};
}

function turnMark(value: unknown): TurnMark | undefined {
  if (typeof value !== "object" || value === null || !("turn" in value) || !("offset" in value)) return undefined;
  const { turn, offset } = value;
  return typeof turn === "string" && typeof offset === "number" ? { turn, offset } : undefined;
}

function isReply(message: { readonly type: string }): message is Reply {
  return message.type === "reply" || message.type === "failed";
}
