import type { ChatMessage } from "../../common/messages";

/** A template variable of VS Code's instructions that names one chat, by a UUID: `- VSCODE_TARGET_SESSION_LOG: /…/eeee5102-1fcf-…`. */
const ofOneChat = /^- VSCODE_\w+: .*[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}.*(?:\n|$)/gim;

const heading = "Template variables of this chat, which belong to those of the instructions:";

/**
 * VS Code names the chat in the middle of its instructions. All that follows, most of it the tools, would be read again in each
 * new chat: such lines go to the beginning of the first message of the person, where chats differ in any case. Nothing is left out.
 */
export function withSessionVariablesBelow(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const at = messages.findIndex(({ role }) => role !== "system");
  const first = messages[at];
  if (first?.role !== "user") return messages;
  const lines: string[] = [];
  const instructions = messages.slice(0, at).map((message) => ({
    ...message,
    content: message.content.replace(ofOneChat, (line) => {
      lines.push(line.trimEnd());
      return "";
    }),
  }));
  if (lines.length === 0) return messages;
  const content = `${[heading, ...lines].join("\n")}\n\n${first.content}`;
  return [...instructions, { ...first, content }, ...messages.slice(at + 1)];
}
