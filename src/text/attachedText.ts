/** Messages with attachments, in words: as models and servers get them. */
import { type Attachment, linesText } from "../common/attachments";
import type { ChatMessage, SaidToModel } from "../common/messages";
import { visiblePath } from "../common/visiblePath";
import { fileBlock, languageOf } from "./fileBlocks";

/** An attachment as it stands in a prompt. */
export function attachedText({ kind, path, range, text }: Attachment): string {
  const name = visiblePath(path);
  const place = name + linesText(range);
  switch (kind) {
    case "selection":
      return fileBlock(`Selection from ${place}:`, text, languageOf(path));
    case "file":
      return fileBlock(`File ${place}:`, text, languageOf(path));
    case "folder":
      return fileBlock(`Folder ${place}:`, text);
    case "problems":
      return fileBlock(`Problems in ${place}:`, text);
    case "terminal":
      return fileBlock(`Terminal ${place}:`, text);
    case "change":
      return fileBlock(`The file ${place} was changed since it was read:`, text, "diff");
  }
}

/** Messages of the past are put into words once. */
const known = new WeakMap<ChatMessage, ChatMessage>();

/**
 * The message with its attachments before its text; itself where it has none. The same object for the same message, so
 * that what is known of it is found again.
 */
export function inWords(message: ChatMessage): ChatMessage {
  if (!hasAttachments(message)) return message;
  const said = known.get(message) ?? worded(message);
  known.set(message, said);
  return said;
}

/** The same list where none has attachments. */
export function allInWords(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  return messages.some(hasAttachments) ? messages.map(inWords) : messages;
}

/** With an empty text the last block ends the message. */
function worded({ role, content, attachments = [] }: SaidToModel): ChatMessage {
  const blocks = attachments.map(attachedText);
  return { role, content: [...blocks, ...(content === "" ? [] : [content])].join("\n\n") };
}

function hasAttachments(message: ChatMessage): message is SaidToModel {
  return message.role === "user" && message.attachments !== undefined && message.attachments.length > 0;
}
