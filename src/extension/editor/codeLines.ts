/** One line of an answer that is inserted into a code file. */
export interface CodeLine {
  /** "words": a sentence and no code. It may only be inserted as a comment. */
  readonly kind: "code" | "words";
  readonly text: string;
}

/** The part of the answer that the next line belongs to. "thinking" is a reasoning model's `<think>` block. */
type Place = "before" | "thinking" | "fenced" | "unfenced" | "after";

interface Fence {
  readonly marks: string;
  readonly info: string;
}

/**
 * Finds the code in an answer while it streams. It drops the fences, the words before the opening fence and all text
 * after the closing fence. An answer without fences is code, except for sentences around the code. It works on whole
 * lines, so the result does not depend on how the answer is split into pieces.
 */
export class CodeLines {
  private place: Place = "before";
  private rest = "";
  /** Before the code: lines that an opening fence would discard. In the code: blank lines, which are dropped at the end. */
  private held: CodeLine[] = [];
  private open: Fence[] = [];
  private lastKind: CodeLine["kind"] = "code";

  /** The rest of the answer is not needed. */
  get ended(): boolean {
    return this.place === "after";
  }

  /** The code lines that `piece` completes. */
  push(piece: string): readonly CodeLine[] {
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.read(line));
  }

  /** The last lines, once the answer has ended. */
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
    const kind = isWords(text) && !endsInComment(this.held) ? "words" : "code";
    this.held.push({ kind, text });
    if (kind === "words" || text.trim() === "" || mayBeText(text)) return [];
    const lines = withoutBlankEnds(this.held);
    this.held = [];
    this.place = "unfenced";
    return lines;
  }

  /** A fence with an info string inside a block opens a nested block: the code has a string with Markdown in it. */
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
      // A fence without an info string closes a block that was never opened. One with an info string opens a block.
      this.open = [fence];
      this.place = fence.info === "" ? "after" : "fenced";
      return [];
    }
    const isApart = this.held.length > 0 || this.lastKind === "words";
    const isSentence = isApart && !/^\s/.test(text) && isWords(text);
    return this.code({ kind: isSentence ? "words" : "code", text });
  }

  /** Holds blank lines back until another line follows. */
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

/** A fence followed by several words closes too: an info string is one word. */
function closes(fence: Fence, around: Fence): boolean {
  return fence.marks.startsWith(around.marks) && (fence.info === "" || /\s/.test(fence.info));
}

const openers =
  /^(Here|Sure|Certainly|Of course|Okay|Ok|Yes|Below|The following|This|You can|To|I|I'm|I'll|Let's|Let me)\b/;

/** Whether a line is a sentence. The test is strict, because code that is taken for a sentence becomes a comment. */
function isWords(line: string): boolean {
  const text = line.trim().replace(/`[^`]*`/g, "code");
  if (!/^(?:\*\*)?[\p{Lu}\p{Lo}]/u.test(text) || /[;{}=<>\\]/.test(text)) return false;
  if (/^\p{Lu}\p{Ll}+[!.]$/u.test(text)) return true;
  const words = text.split(/\s+/);
  const first = words[0] ?? "";
  if (/^\p{Lu}{2,}$/u.test(first)) return false;
  if (/^\p{Lo}/u.test(text)) return /[。：！？:.!?]$/u.test(text);
  return words.length >= 3 && (/[\p{L}\d)"'*][:.!?]\**$/u.test(text) || openers.test(text));
}

/** Either code (a comment, a list of data) or text (a heading, a list): only a fence after it tells which. */
function mayBeText(text: string): boolean {
  return /^\s*(\/\/|\/\*|\*|#|--|<!--|"""|'''|(-|>|\d+[.)])\s)/.test(text);
}

/** Whether a block comment or a Python docstring is still open at the end of the lines. */
function endsInComment(lines: readonly CodeLine[]): boolean {
  const text = lines.map((line) => line.text).join("\n");
  const quotes = text.match(/"""|'''/g) ?? [];
  return quotes.length % 2 === 1 || text.lastIndexOf("/*") > text.lastIndexOf("*/");
}

function withoutBlankEnds(lines: readonly CodeLine[]): readonly CodeLine[] {
  const texts = lines.flatMap(({ text }, index) => (text.trim() === "" ? [] : [index]));
  return lines.slice(texts.at(0) ?? 0, (texts.at(-1) ?? -1) + 1);
}
