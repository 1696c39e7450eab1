import type { ChatCommand } from "../../protocol/chat";
import type { FoundFile } from "../../protocol/chatFiles";
import { afterRest } from "../shared/frame";
import { markFewHidden } from "../shared/hiddenCharacters";
import { marked, OptionList } from "../shared/optionList";
import { type Children, h, icon } from "../shared/tree";

export interface FileQuery {
  /** What was typed behind the `@`. */
  readonly text: string;
  /** Where the `@` stands. */
  readonly at: number;
}

/** What is being typed behind an `@`, up to the caret; `undefined` where no file is being named. */
export function fileQuery(draft: string, caret: number): FileQuery | undefined {
  const found = /(^|[\s([{"'`])@([^\s@]{0,200})$/.exec(draft.slice(Math.max(0, caret - 202), caret));
  const text = found?.[2];
  return text === undefined ? undefined : { text, at: caret - text.length - 1 };
}

/** While a person types, the host is asked at most this often. */
const restMs = 60;

export interface FileMentionPorts {
  /** Files can be attached. */
  readonly isOn: () => boolean;
  readonly run: (command: ChatCommand) => void;
}

/** The list of files that opens while an `@` and a part of a path are typed. The chosen one is attached. */
export class FileMentions {
  readonly element: HTMLElement;
  private readonly list: OptionList<FoundFile>;
  private readonly askSoon = afterRest(restMs, () => this.ask());
  private query: FileQuery | undefined;
  private serial = 0;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly ports: FileMentionPorts,
  ) {
    this.list = new OptionList<FoundFile>(field, {
      id: "files",
      label: "Attach a file",
      keyOf: ({ path }) => path,
      content: (file) => this.content(file),
      take: (file) => this.take(file),
    });
    this.element = this.list.element;
    field.addEventListener("click", () => this.update());
    field.addEventListener("keyup", ({ key }) => {
      if (/^(Arrow(Left|Right)|Home|End)$/.test(key)) this.update();
    });
  }

  /** After every change of the draft and of the caret. */
  update(): void {
    const { value, selectionStart } = this.field;
    const isHere = document.activeElement === this.field && this.ports.isOn() && !this.list.isClosed;
    const query = isHere ? fileQuery(value, selectionStart) : undefined;
    const before = this.query;
    this.query = query;
    if (query === undefined) this.list.hide();
    else if (query.text !== before?.text || query.at !== before.at) this.askSoon();
  }

  /** Only the answer to the query that was asked last counts. */
  found(serial: number, files: readonly FoundFile[]): void {
    if (serial === this.serial && this.query !== undefined) this.list.show(files);
  }

  key(event: KeyboardEvent): boolean {
    return this.list.key(event);
  }

  /** Writes an `@` where the caret is, as if it were typed. */
  start(): void {
    const { value, selectionStart: at, selectionEnd } = this.field;
    const gap = at === 0 || /\s/.test(value[at - 1] ?? "") ? "" : " ";
    this.field.focus();
    this.write(`${value.slice(0, at)}${gap}@${value.slice(selectionEnd)}`, at + gap.length + 1);
  }

  private ask(): void {
    if (this.query === undefined) return;
    this.serial += 1;
    this.ports.run({ type: "findFiles", query: this.query.text, serial: this.serial });
  }

  /** The name stays in the message, which is to be read as a sentence. */
  private take({ path, isFolder }: FoundFile): void {
    const { query, field } = this;
    if (query === undefined) return;
    const name = `\`${lastPart(path)}${isFolder ? "/" : ""}\` `;
    const rest = field.value.slice(query.at + 1 + query.text.length);
    this.query = undefined;
    this.ports.run({ type: "attachFound", path });
    this.write(field.value.slice(0, query.at) + name + rest.replace(/^ /, ""), query.at + name.length);
  }

  private write(text: string, caret: number): void {
    this.field.value = text;
    this.field.setSelectionRange(caret, caret);
    this.field.dispatchEvent(new Event("input"));
  }

  private content({ path, isFolder }: FoundFile): Children {
    const name = lastPart(path);
    const sought = (this.query?.text ?? "").toLowerCase();
    const shown =
      markFewHidden(name).length === 1
        ? marked(name, sought === "" ? -1 : name.toLowerCase().indexOf(sought), sought.length)
        : h("span", {}, markFewHidden(name));
    return [
      icon(isFolder ? "folder" : "file"),
      shown,
      h("small.cut", {}, markFewHidden(path.slice(0, path.length - name.length))),
    ];
  }
}

function lastPart(path: string): string {
  return path.split("/").filter(Boolean).at(-1) ?? path;
}
