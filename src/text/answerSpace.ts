import type { ChatTemplate } from "./chatTemplate";
import type { TemplateMessage } from "./messages";

const question: TemplateMessage = { role: "user", content: "a" };
const answer: TemplateMessage = { role: "assistant", content: "b" };

/** Whether the template writes a space between the prompt and the answer: SentencePiece's first token then holds it. */
export function writesSpaceBeforeAnswers(template: ChatTemplate): boolean {
  try {
    return template.render([question, answer], false).startsWith(`${template.render([question], true)} b`);
  } catch {
    // What a template refuses is said when a prompt is built.
    return false;
  }
}
