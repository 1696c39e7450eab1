/** Code as coloured spans. The classes are those of content.css, which takes its colours from the theme. */
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import cpp from "highlight.js/lib/languages/cpp";
import css from "highlight.js/lib/languages/css";
import diff from "highlight.js/lib/languages/diff";
import go from "highlight.js/lib/languages/go";
import java from "highlight.js/lib/languages/java";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import rust from "highlight.js/lib/languages/rust";
import sql from "highlight.js/lib/languages/sql";
import swift from "highlight.js/lib/languages/swift";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import yaml from "highlight.js/lib/languages/yaml";
import { type Child, h } from "./tree";

const languages = { bash, cpp, css, diff, go, java, json, python, rust, sql, swift, typescript, xml, yaml };
for (const [name, definition] of Object.entries(languages)) hljs.registerLanguage(name, definition);
hljs.registerAliases(["js", "jsx", "javascript", "mjs", "cjs"], { languageName: "typescript" });

/** Above this a block is shown without colours: a page must not wait for them. In UTF-16 units. */
const maxLength = 60_000;

const classes: Readonly<Record<string, string>> = {
  keyword: "k",
  "variable.language_": "b",
  built_in: "b",
  literal: "b",
  type: "b",
  name: "b",
  "selector-tag": "b",
  string: "st",
  regexp: "st",
  char: "st",
  number: "n",
  title: "f",
  section: "f",
  "title.class_": "",
  comment: "dim",
  meta: "dim",
  quote: "dim",
  addition: "add",
  deletion: "del",
};

/** Keywords that declare something have their own colour; the other keywords control the flow. */
const declaring = new Set(
  "class const def enum export extends fn func function impl implements import interface let new private protected public readonly static struct this trait type var void".split(
    " ",
  ),
);

export function highlight(code: string, language: string): readonly Child[] {
  if (code.length > maxLength || !hljs.getLanguage(language)) return [code];
  return spans(hljs.highlight(code, { language, ignoreIllegals: true }).value);
}

/** highlight.js writes nothing but `<span class="…">`, `</span>` and text with five entities. */
export function spans(markup: string): readonly Child[] {
  const stack: { readonly name: string; readonly children: Child[] }[] = [{ name: "", children: [] }];
  for (const [part] of markup.matchAll(/<span class="[^"]*">|<\/span>|[^<]+/g)) {
    if (part.startsWith("<span")) {
      stack.push({ name: part.slice('<span class="'.length, -2), children: [] });
    } else if (part === "</span>") {
      const closed = stack.pop();
      if (closed) stack.at(-1)?.children.push(...coloured(closed.name, closed.children));
    } else {
      stack.at(-1)?.children.push(decode(part));
    }
  }
  return stack[0]?.children ?? [];
}

function coloured(name: string, children: readonly Child[]): readonly Child[] {
  const scope = name.replaceAll("hljs-", "").replaceAll(" ", ".");
  const [only] = children;
  const declares = scope === "keyword" && typeof only === "string" && declaring.has(only);
  const className = declares ? "b" : (classes[scope] ?? classes[scope.split(".")[0] ?? ""]);
  return className ? [h("span", { class: className }, children)] : children;
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#x27;": "'",
};

function decode(text: string): string {
  return text.replace(/&(?:amp|lt|gt|quot|#x27);/g, (entity) => entities[entity] ?? entity);
}
