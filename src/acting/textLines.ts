export interface TextLine {
  /** Offset of its first letter. */
  readonly start: number;
  /** Without its end. */
  readonly text: string;
  readonly end: "\n" | "\r\n" | "";
}

/** The lines of a text; one that ends with a line end has no further line behind it. */
export function textLines(text: string): readonly TextLine[] {
  const lines: TextLine[] = [];
  for (let start = 0; start < text.length; ) {
    const at = text.indexOf("\n", start);
    if (at < 0) {
      lines.push({ start, text: text.slice(start), end: "" });
      break;
    }
    const isCrLf = at > start && text[at - 1] === "\r";
    lines.push({ start, text: text.slice(start, isCrLf ? at - 1 : at), end: isCrLf ? "\r\n" : "\n" });
    start = at + 1;
  }
  return lines;
}
