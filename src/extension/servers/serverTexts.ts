/** What people read about servers. */
import { type Formats, plural } from "../../common/format";
import { hostOf } from "../../common/modelLabel";
import { isPlainBeyondLoopback } from "../../common/serverAddress";
import type { ConnectedServer, ServerModel } from "../../protocol/service";

/** The question before the first request to an address beyond this machine. */
export function consentQuestion(address: string): { readonly title: string; readonly detail: string } {
  const host = hostOf(address);
  const sent = `Messages, answers, instructions, attached text and tool results of agents that use it are sent to ${address}. They leave this machine, and Resident cannot know what happens to them there.`;
  const plain = isPlainBeyondLoopback(address)
    ? " The connection is plain http: everybody on the way can read them, and the key."
    : "";
  return { title: `May conversations go to ${host}?`, detail: sent + plain };
}

export interface ServerModelRow {
  readonly label: string;
  readonly description: string;
}

export function serverModelRow({ host }: ConnectedServer, { name, contextTokens }: ServerModel, formats: Formats) {
  const context = contextTokens === undefined ? "" : ` · context of ${formats.count(contextTokens)} tokens`;
  return { label: `$(server) ${name}`, description: `on ${host}${context}` } satisfies ServerModelRow;
}

export function serverRow({ host, address, models, hasKey }: ConnectedServer, formats: Formats) {
  const key = hasKey ? " · with a key" : "";
  return { label: host, description: `${plural(models.length, "model", formats)}${key}`, detail: address };
}

/** Before an agent moves to a server. */
export function moveDetail(tokens: number, host: string, formats: Formats): string {
  const read =
    tokens === 0
      ? "The conversation is empty."
      : `${plural(tokens, "token", formats)} of the conversation, as its model counted them, are sent to ${host} and read there with the next message.`;
  return `${read} The agent's own cache stays on disk: Use Another Model brings it back.`;
}
