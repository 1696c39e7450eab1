import { leadingSpace } from "./placement";

/** The first indented line sets how many spaces one level has, if its indentation is within these limits. */
const levelSpaces = { min: 2, max: 8 };

/** Indents the lines of a text anew, relative to the indentation of its first line. */
export class Indentation {
  private base: string | undefined;
  private spacesPerLevel: number | undefined;

  constructor(
    /** Prefix of every line that is not blank. */
    private readonly indent: string,
    /** One level of indentation in the editor. */
    private readonly unit: string,
  ) {}

  line(text: string): string {
    const body = text.trimStart();
    if (this.base === undefined) {
      this.base = leadingSpace(text);
      return this.indent + body.trimEnd();
    }
    if (body === "") return "";
    return this.indent + this.relative(leadingSpace(text), body) + body.trimEnd();
  }

  private relative(space: string, body: string): string {
    const base = this.base ?? "";
    const inner = space.startsWith(base) ? space.slice(base.length) : space.slice(Math.min(base.length, space.length));
    const tabs = inner.lastIndexOf("\t") + 1;
    const spaces = inner.length - tabs;
    if (tabs > 0) return this.unit.repeat(tabs) + " ".repeat(spaces);
    const isLevel = spaces >= levelSpaces.min && spaces <= levelSpaces.max && !body.startsWith("*");
    if (this.spacesPerLevel === undefined && isLevel) this.spacesPerLevel = spaces;
    const perLevel = this.spacesPerLevel;
    if (perLevel === undefined) return inner;
    return this.unit.repeat(Math.floor(spaces / perLevel)) + " ".repeat(spaces % perLevel);
  }
}
