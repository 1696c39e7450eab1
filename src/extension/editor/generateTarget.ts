import { basename } from "node:path";
import * as vscode from "vscode";
import type { AnswerText } from "./answerText";
import { CodeText } from "./codeText";
import { CommentText } from "./commentText";
import { generatePrompt, type Prompt, type PromptFacts } from "./generatePrompt";
import { commentMarks, isProse } from "./languages";
import { leadingSpace, type Place, placement, replacement } from "./placement";
import { ProseText } from "./proseText";
import { type OffsetRange, withoutSpace } from "./selectedRange";
import type { SelectionWish } from "./selectionQuestion";
import { byteLength, maxSurroundingBytes, surroundingBytes, surroundings } from "./surroundings";

/** Where an answer is inserted, how it is changed before, and what the model is asked. */
export interface GenerateTarget {
  readonly document: vscode.TextDocument;
  /** The first edit replaces this range; an empty one inserts. */
  readonly range: OffsetRange;
  readonly text: AnswerText;
  /** The prompt for a model with this context. */
  prompt(contextTokens: number): Prompt;
}

/** Inserts at the cursor, or after the selection. */
export function cursorTarget(editor: vscode.TextEditor, instruction: string): GenerateTarget {
  const { document, selection } = editor;
  const { languageId } = document;
  const offset = document.offsetAt(selection.end);
  const range = { start: offset, end: offset };
  const place = placeAt(editor, offset);
  const text = isProse(languageId)
    ? new ProseText()
    : new CodeText({ languageId, placement: placement(place), unit: place.unit, before: place.before });
  return { document, range, text, prompt: promptOf(document, range, { action: "insert", instruction }) };
}

/** Replaces the selection, or inserts above or after it. */
export function selectionTarget(editor: vscode.TextEditor, wish: SelectionWish): GenerateTarget {
  const { document, selection } = editor;
  const { languageId } = document;
  const selected = withoutSpace(document.getText(selection), document.offsetAt(selection.start));
  const prompt = promptOf(document, selected, wish);
  const { start, end } = selected;
  const { before, unit } = placeAt(editor, start);
  switch (wish.action) {
    case "explain": {
      const indent = leadingSpace(before);
      const line = start - before.length + indent.length;
      const text = new CommentText(indent, commentMarks(languageId));
      return { document, range: { start: line, end: line }, text, prompt };
    }
    case "rewrite": {
      const code = () => new CodeText({ languageId, placement: replacement(before), unit, before });
      return { document, range: selected, text: isProse(languageId) ? new ProseText() : code(), prompt };
    }
    case "continue": {
      const repeated = document.getText(toRange(document, selected));
      const place = placeAt(editor, end);
      const code = () =>
        new CodeText({
          languageId,
          placement: placement(place),
          unit,
          before: place.before,
          repeated: leadingSpace(before) + repeated,
        });
      const text = isProse(languageId) ? new ProseText({ before: "\n", repeated }) : code();
      return { document, range: { start: end, end }, text, prompt };
    }
  }
}

/** Fills an empty document. */
export function emptyTarget(document: vscode.TextDocument, instruction: string): GenerateTarget {
  return { document, range: { start: 0, end: 0 }, text: new ProseText(), prompt: () => ({ prompt: instruction }) };
}

function promptOf(
  document: vscode.TextDocument,
  range: OffsetRange,
  wish: Pick<PromptFacts, "action" | "instruction">,
): GenerateTarget["prompt"] {
  const { languageId } = document;
  const selection = document.getText(toRange(document, range));
  // Read now, because the document may change while a model is loaded.
  const before = document.getText(toRange(document, { start: range.start - maxSurroundingBytes, end: range.start }));
  const after = document.getText(toRange(document, { start: range.end, end: range.end + maxSurroundingBytes }));
  return (contextTokens) => {
    const around = surroundings(before, after, surroundingBytes(contextTokens, byteLength(selection)));
    return generatePrompt({ ...wish, ...around, selection, languageId, fileName: basename(document.uri.path) });
  };
}

function placeAt({ document, options }: vscode.TextEditor, offset: number): Place {
  const position = document.positionAt(offset);
  const line = document.lineAt(position.line).text;
  const nearest = (step: 1 | -1) => {
    for (let index = position.line + step; index >= 0 && index < document.lineCount; index += step) {
      const { isEmptyOrWhitespace, text } = document.lineAt(index);
      if (!isEmptyOrWhitespace) return text;
    }
    return undefined;
  };
  const above = nearest(-1);
  const below = nearest(1);
  const { insertSpaces, tabSize } = options;
  return {
    languageId: document.languageId,
    before: line.slice(0, position.character),
    after: line.slice(position.character),
    ...(above === undefined ? {} : { above }),
    ...(below === undefined ? {} : { below }),
    unit: insertSpaces === false ? "\t" : " ".repeat(typeof tabSize === "number" ? tabSize : 4),
  };
}

/** Clamps offsets to the document. */
function toRange(document: vscode.TextDocument, { start, end }: OffsetRange): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}
