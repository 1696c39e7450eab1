import { type Child, h } from "./tree";

/** What a person wrote, as it is, with `code` shown as code. */
export function inlineCode(text: string): readonly Child[] {
  return text
    .split(/`([^`\n]+)`/)
    .map((part, index) => (index % 2 === 1 ? h("code", {}, part) : part))
    .filter((part) => part !== "");
}
