import type { ChatCommand, ChatSnapshot, ChatUpdate } from "../../protocol/chat";
import { mostDropped } from "../../protocol/chatFiles";
import type { Problem } from "../../protocol/page";
import type { Children } from "../shared/tree";
import { AttachMenu } from "./attachMenu";
import { droppedPaths, mayNameFiles, pastedPaths } from "./dropped";
import { FileMentions } from "./fileMentions";

export interface DraftFilesPorts {
  readonly request: (command: ChatCommand) => Promise<Problem | undefined>;
  readonly run: (command: ChatCommand) => void;
  /** Says why something was not attached. */
  readonly refuse: (problem: Problem) => void;
}

const imageProblem: Problem = {
  error: {
    code: "INVALID_REQUEST",
    what: "an image cannot be attached: the model reads text",
    advice: "say in words what it shows, or attach the file that it was made from",
    facts: {},
  },
  actions: [],
};

/** The ways to attach something to the message: the menu, `@`, a drop on the page, a pasted path. */
export class DraftFiles {
  readonly menu: AttachMenu;
  readonly mentions: FileMentions;
  private snapshot: ChatSnapshot | undefined;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly ports: DraftFilesPorts,
  ) {
    const { run } = ports;
    this.mentions = new FileMentions(field, { run, isOn: () => this.isOn });
    this.menu = new AttachMenu({ run, mention: () => this.mentions.start() });
    field.addEventListener("paste", (event) => this.pasted(event));
  }

  /** Files can be dropped anywhere on `page`. */
  listenTo(page: HTMLElement): void {
    const over = (isOver: boolean) => page.classList.toggle("dropping", isOver);
    page.addEventListener("dragover", (event) => {
      if (!this.isOn || event.dataTransfer === null || !mayNameFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      over(true);
    });
    page.addEventListener("dragleave", ({ relatedTarget }) => {
      if (!(relatedTarget instanceof Node && page.contains(relatedTarget))) over(false);
    });
    page.addEventListener("drop", (event) => {
      over(false);
      if (!this.isOn || event.dataTransfer === null) return;
      const paths = droppedPaths(event.dataTransfer);
      if (paths.length === 0) return;
      event.preventDefault();
      this.ports.run({ type: "attachPaths", paths });
      this.field.focus();
    });
  }

  /** The button for the message field's bottom. */
  button(snapshot: ChatSnapshot): Children {
    this.snapshot = snapshot;
    return this.menu.button(snapshot, snapshot.readOnly !== undefined);
  }

  found({ serial, files }: Extract<ChatUpdate, { type: "foundFiles" }>): void {
    this.mentions.found(serial, files);
  }

  private get isOn(): boolean {
    return this.snapshot?.attachments !== undefined && this.snapshot.readOnly === undefined;
  }

  /** What the host cannot attach is a text like any other. */
  private pasted(event: ClipboardEvent): void {
    const { clipboardData } = event;
    if (!this.isOn || clipboardData === null) return;
    const text = clipboardData.getData("text/plain");
    if (text === "" && [...clipboardData.files].some(({ type }) => type.startsWith("image/"))) {
      event.preventDefault();
      this.ports.refuse(imageProblem);
      return;
    }
    const listed = droppedPaths(clipboardData);
    const paths = listed.length > 0 ? listed : pastedPaths(text);
    if (paths.length === 0) return;
    event.preventDefault();
    void this.ports.request({ type: "attachPaths", paths: paths.slice(0, mostDropped) }).then((problem) => {
      if (problem !== undefined) this.insert(text);
    });
  }

  private insert(text: string): void {
    const { selectionStart, selectionEnd } = this.field;
    this.field.setRangeText(text, selectionStart, selectionEnd, "end");
    this.field.dispatchEvent(new Event("input"));
  }
}
