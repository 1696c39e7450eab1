import type { Format } from "../../../src/text/tools/structuralTag";
import type { Random } from "../random";
import { allows, readEbnf, sampled } from "./ebnfText";

/** The format of a structural tag's text. Throws where it is none that the compiler takes. */
export function readStructuralTag(text: string): Format {
  const { type, format }: { type: unknown; format: Format } = JSON.parse(text);
  if (type !== "structural_tag") throw new Error("no structural tag");
  check(format);
  return format;
}

/** The compiler's own rules: one trigger for each tag, free text only at the end of a sequence, no mark inside of another. */
function check(format: Format): void {
  switch (format.type) {
    case "grammar":
      readEbnf(format.grammar);
      break;
    case "any_text":
      break;
    case "tag":
      if (isUnlimited(format.content) && format.end === "") throw new Error("free text without an end");
      check(format.content);
      break;
    case "sequence":
    case "or":
      format.elements.forEach(check);
      if (format.type === "sequence" && format.elements.slice(0, -1).some(isUnlimited))
        throw new Error("free text inside");
      if (format.type === "or" && new Set(format.elements.map(isUnlimited)).size > 1)
        throw new Error("or of both kinds");
      break;
    case "triggered_tags":
      for (const { begin, content } of format.tags) {
        if (format.triggers.filter((trigger) => begin.startsWith(trigger)).length !== 1)
          throw new Error(`trigger of ${begin}`);
        check(content);
      }
      break;
    case "tags_with_separator":
      if (format.tags.length === 0) throw new Error("no tags");
      for (const { content } of format.tags) check(content);
  }
}

function isUnlimited(format: Format): boolean {
  switch (format.type) {
    case "any_text":
    case "triggered_tags":
      return true;
    case "sequence":
      return format.elements.slice(-1).some(isUnlimited);
    case "or":
      return format.elements.some(isUnlimited);
    default:
      return false;
  }
}

/** A text that the format allows. */
export function sampledText(format: Format, random: Random): string {
  switch (format.type) {
    case "grammar":
      return sampled(readEbnf(format.grammar), random);
    case "any_text":
      return random.pick(["", "well", "a\nb"]);
    case "tag":
      return format.begin + sampledText(format.content, random) + format.end;
    case "sequence":
      return format.elements.map((one) => sampledText(one, random)).join("");
    case "or":
      return sampledText(random.pick(format.elements), random);
    case "triggered_tags": {
      const count = format.stop_after_first ? 1 : 1 + random.below(2);
      const calls = Array.from({ length: count }, () =>
        sampledText({ type: "tag", ...random.pick(format.tags) }, random),
      );
      return (format.at_least_one ? "" : random.pick(["", "I look.\n"])) + calls.join("\n");
    }
    case "tags_with_separator": {
      const count = format.stop_after_first ? 1 : 1 + random.below(2);
      const tags = Array.from({ length: count }, () =>
        sampledText({ type: "tag", ...random.pick(format.tags) }, random),
      );
      return tags.join(format.separator);
    }
  }
}

/** Whether a whole text is one of the format's: of a grammar, or of tags that stand alone. */
export function allowsText(format: Format, text: string): boolean {
  switch (format.type) {
    case "grammar":
      return allows(readEbnf(format.grammar), text);
    case "triggered_tags":
    case "tags_with_separator":
      if (format.type === "triggered_tags" && !format.triggers.some((trigger) => text.includes(trigger)))
        return !format.at_least_one;
      return format.tags.some(
        ({ begin, content, end }) =>
          text.startsWith(begin) &&
          text.endsWith(end) &&
          text.length >= begin.length + end.length &&
          allowsText(content, text.slice(begin.length, text.length - end.length)),
      );
    default:
      throw new Error(`no whole texts of ${format.type}`);
  }
}
