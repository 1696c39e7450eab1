/** Characters that cannot be seen, shown as marks. */
import { type HiddenCharacter, hiddenCharacters } from "../../common/hiddenCharacters";
import { type Child, childrenOf, h, type TreeNode, withChildren } from "./tree";

/** Names of the most common ones; the others are shown by number only. */
const names: Readonly<Record<string, string>> = {
  "00AD": "soft hyphen",
  "061C": "Arabic letter mark",
  "200B": "zero-width space",
  "200C": "zero-width non-joiner",
  "200D": "zero-width joiner",
  "200E": "left-to-right mark",
  "200F": "right-to-left mark",
  "2028": "line separator",
  "2029": "paragraph separator",
  "202A": "left-to-right embedding",
  "202B": "right-to-left embedding",
  "202C": "pop directional formatting",
  "202D": "left-to-right override",
  "202E": "right-to-left override",
  "2060": "word joiner",
  "2066": "left-to-right isolate",
  "2067": "right-to-left isolate",
  "2068": "first strong isolate",
  "2069": "pop directional isolate",
  FEFF: "zero-width no-break space",
};

export function withoutHidden(text: string): string {
  return pieces(text, () => "").join("");
}

/** The same content with a mark instead of each hidden character, which then has no effect on the text around it. */
export function markHidden(children: readonly Child[]): readonly Child[] {
  return children.flatMap((child): readonly Child[] => {
    if (typeof child === "string") return pieces(child, mark);
    return [withChildren(child, markHidden(childrenOf(child)))];
  });
}

/** Marks cost an element each: a text that is nearly made of hidden characters has one sign for each instead. */
const mostMarks = 1000;

/** `markHidden` for texts of any length, as programs give them. */
export function markFewHidden(...children: readonly Child[]): readonly Child[] {
  let left = mostMarks;
  const mark = (child: Child): readonly Child[] => {
    if (typeof child !== "string") return [withChildren(child, childrenOf(child).flatMap(mark))];
    left -= hiddenCharacters(child).length;
    return left >= 0 ? markHidden([child]) : [pieces(child, () => "\uFFFD").join("")];
  };
  return children.flatMap(mark);
}

function pieces<Mark>(text: string, replace: (character: HiddenCharacter) => Mark): readonly (string | Mark)[] {
  const found = hiddenCharacters(text);
  if (found.length === 0) return [text];
  const parts: (string | Mark)[] = [];
  let end = 0;
  for (const character of found) {
    if (character.index > end) parts.push(text.slice(end, character.index));
    parts.push(replace(character));
    end = character.index + character.text.length;
  }
  if (end < text.length) parts.push(text.slice(end));
  return parts;
}

/** The style sheet paints the number: text that is selected and copied has neither the character nor the number. */
function mark({ code }: HiddenCharacter): TreeNode {
  const name = names[code.slice(2)];
  const title = name === undefined ? code : `${code}, ${name}`;
  return h("span.hidden-char", { role: "img", "aria-label": `hidden character ${title}`, title, "data-code": code });
}
