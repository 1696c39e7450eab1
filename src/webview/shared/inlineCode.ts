import { markHidden } from "./hiddenCharacters";
import { type Child, h } from "./tree";

/** A person's text without any change, but with `code` shown as code. */
export function inlineCode(text: string): readonly Child[] {
  return text
    .split(/`([^`\n]+)`/)
    .map((part, index) => (index % 2 === 1 ? h("code", {}, markHidden([part])) : part))
    .filter((part) => part !== "");
}
