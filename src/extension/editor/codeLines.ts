/** One line of a model's answer that belongs into a code file. */
export interface CodeLine {
  /** "words": a sentence, which is no code; it may only go in as a comment. */
  readonly kind: "code" | "words";
  readonly text: string;
}

/** Where in the answer the next line is: before any code, in a fenced block, in code without a fence, behind the code. */
type Place = "before" | "thinking" | "fenced" | "unfenced" | "after";

interface Fence {
  readonly marks: string;
  readonly info: string;
}

/**
 * Finds the code in an answer while it streams. Fences are left out, as are words before an opening fence and all text
 * behind the closing one. Where no fence comes, all of it is code except sentences around it. Works on whole lines, so
 * how the answer is split into pieces makes no difference.
 */
export class CodeLines {
  private place: Place = "before";
  private rest = "";
  /** Before the code: lines that a fence would make void. In the code: blank lines that may be the last ones. */
  private held: CodeLine[] = [];
  private open: Fence[] = [];
  private lastKind: CodeLine["kind"] = "code";

  /** Nothing more of the answer is needed. */
  get ended(): boolean {
    return this.place === "after";
  }

  /** The code lines that `piece` completes. */
  push(piece: string): readonly CodeLine[] {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.read(line));
  }

  /** What is left when the answer has ended. */
  end(): readonly CodeLine[] {
    const last = this.rest === "" ? [] : this.read(this.rest);
    this.rest = "";
    const held = this.place === "before" ? this.held : [];
    this.place = "after";
    return [...last, ...withoutBlankEnds(held)];
  }

  private read(line: string): readonly CodeLine[] {
    const text = line.replace(/\r$/, "");
    switch (this.place) {
      case "before":
        return this.readBefore(text);
      case "thinking":
        if (text.includes("</think>")) this.place = "before";
        return [];
      case "fenced":
        return this.readFenced(text);
      case "unfenced":
        return this.readUnfenced(text);
      case "after":
        return [];
    }
  }

  private readBefore(text: string): readonly CodeLine[] {
    if (/^\s*<think>/.test(text)) {
      if (!text.includes("</think>")) this.place = "thinking";
      return [];
    }
    const whole = /^\s*`{3,}([^`\n]+)`{3,}\s*$/.exec(text)?.[1];
    if (whole !== undefined) {
      this.place = "after";
      return [{ kind: "code", text: whole.trim() }];
    }
    const fence = fenceAlone(text) ?? fenceBehindWords(text);
    if (fence) {
      this.held = [];
      this.open = [fence];
      this.place = "fenced";
      return [];
    }
    const kind = isWords(text) ? "words" : "code";
    this.held.push({ kind, text });
    if (kind === "words" || text.trim() === "" || mayBeText(text)) return [];
    const lines = withoutBlankEnds(this.held);
    this.held = [];
    this.place = "unfenced";
    return lines;
  }

  /** A fence with an info string in a block begins a block in it, as in a string that holds Markdown. */
  private readFenced(text: string): readonly CodeLine[] {
    const glued = /^(.*[;)}\]])\s*`{3,}\s*$/.exec(text)?.[1];
    if (glued !== undefined && this.open.length === 1) {
      this.place = "after";
      return this.code({ kind: "code", text: glued });
    }
    const fence = fenceAlone(text);
    const around = this.open.at(-1);
    if (fence && around && closes(fence, around)) {
      this.open.pop();
      if (this.open.length === 0) {
        this.place = "after";
        return [];
      }
    } else if (fence && /^[\w+#.-]+$/.test(fence.info)) {
      this.open.push(fence);
    }
    return this.code({ kind: "code", text });
  }

  private readUnfenced(text: string): readonly CodeLine[] {
    const fence = fenceAlone(text);
    if (fence) {
      // A fence without an info string ends what was never opened; one with it begins the code proper.
      this.open = [fence];
      this.place = fence.info === "" ? "after" : "fenced";
      return [];
    }
    const isApart = this.held.length > 0 || this.lastKind === "words";
    const isSentence = isApart && !/^\s/.test(text) && isWords(text);
    return this.code({ kind: isSentence ? "words" : "code", text });
  }

  /** Blank lines wait: they are left out at the end. */
  private code(line: CodeLine): readonly CodeLine[] {
    this.held.push(line);
    if (line.text.trim() === "") return [];
    const lines = this.held;
    this.held = [];
    this.lastKind = line.kind;
    return lines;
  }
}

function fenceAlone(text: string): Fence | undefined {
  const [, marks, info] = /^\s*(`{3,}|~{3,})([^`]*)$/.exec(text) ?? [];
  return marks === undefined || info === undefined ? undefined : { marks, info: info.trim() };
}

/** "Here is the code: ```ts" */
function fenceBehindWords(text: string): Fence | undefined {
  const [, marks, info] = /[^`~](`{3,}|~{3,})([\w+#.-]*)\s*$/.exec(text) ?? [];
  return marks === undefined || info === undefined ? undefined : { marks, info };
}

/** Words behind it do not keep a fence from closing: no info string has several. */
function closes(fence: Fence, around: Fence): boolean {
  return fence.marks.startsWith(around.marks) && (fence.info === "" || /\s/.test(fence.info));
}

const openers =
  /^(Here|Sure|Certainly|Of course|Okay|Ok|Yes|Below|The following|This|You can|To|I|I'm|I'll|Let's|Let me)\b/;

/** Whether a line is a sentence and no code. Code is what a wrong guess must not touch, so it is asked for a lot. */
function isWords(line: string): boolean {
  const text = line.trim().replace(/`[^`]*`/g, "code");
  if (!/^[\p{Lu}\p{Lo}*]/u.test(text) || /[;{}=<>\\]/.test(text)) return false;
  if (/^\p{Lu}\p{Ll}+[!.]$/u.test(text)) return true;
  const words = text.split(/\s+/);
  const first = words[0] ?? "";
  if (/^\p{Lu}{2,}$/u.test(first)) return false;
  if (/^\p{Lo}/u.test(text)) return /[。：！？:.!?]$/u.test(text);
  return words.length >= 3 && (/[\p{L}\d)"'*][:.!?]\**$/u.test(text) || openers.test(text));
}

/** A comment or a list of data, or a heading or a list of a text: a fence behind it tells. */
function mayBeText(text: string): boolean {
  return /^\s*(\/\/|\/\*|\*|#|--|<!--|"""|'''|(-|>|\d+[.)])\s)/.test(text);
}

function withoutBlankEnds(lines: readonly CodeLine[]): readonly CodeLine[] {
  const texts = lines.flatMap(({ text }, index) => (text.trim() === "" ? [] : [index]));
  return lines.slice(texts.at(0) ?? 0, (texts.at(-1) ?? -1) + 1);
}
