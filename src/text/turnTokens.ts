import type { ChatTemplate } from "./chatTemplate";
import type { SpecialToken, SpecialTokens } from "./markedText";
import type { TemplateMessage } from "./messages";
import { isThinkingMark } from "./thinkingMarks";
import { toolFormsOf, toolSamples } from "./toolForms";

/**
 * The tokens that could forge a turn if a message held them: the control tokens, and what the template itself writes
 * around messages, tools, calls and results, since not every tokenizer says that these are control tokens (`<｜User｜>`,
 * `<tool_call>`). All others are words with
 * a meaning (`<table>`, `<think>`): a message may hold them, and its model was trained on such messages.
 */
export function turnTokens(
  template: ChatTemplate | undefined,
  specials: SpecialTokens,
): (token: SpecialToken) => boolean {
  const written = template && writtenTokens(template, specials);
  if (written === undefined) return () => true;
  return (token) => token.isControl || written.has(token.id);
}

const user: TemplateMessage = { role: "user", content: "a" };
const answer: TemplateMessage = { role: "assistant", content: "b" };
const system: TemplateMessage = { role: "system", content: "c" };
const samples = [[user], [user, answer, user], [system, user, answer, user]].map((messages) => ({
  messages,
  options: {},
}));

/** `undefined`: the template renders none of the samples, so nothing is known about it. */
function writtenTokens(template: ChatTemplate, specials: SpecialTokens): ReadonlySet<number> | undefined {
  const written = new Set<number>();
  let isKnown = false;
  for (const { messages, options } of [...samples, ...toolSamples(toolFormsOf(template))]) {
    try {
      for (const stretch of specials.split(template.render(messages, true, options))) {
        if (stretch.kind === "special" && !isThinkingMark(stretch.token.content)) written.add(stretch.token.id);
      }
      isKnown = true;
    } catch {
      // A template may refuse a system message; the other samples tell.
    }
  }
  return isKnown ? written : undefined;
}
