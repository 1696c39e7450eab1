/** What lists say of an agent at a glance. */
import { type Formats, plural } from "../common/format";
import { hostOf } from "../common/modelLabel";
import { shownName } from "../common/shownName";
import type { AgentSummary } from "./service";

/**
 * How much it is and where: "3,425 tokens" and "hot". Of an agent on a server nothing is read here, and its tokens are counted
 * there: "4 turns" and "on studio.local:8000".
 */
export function agentWords(
  { server, tier, tokens, turnCount }: Pick<AgentSummary, "server" | "tier" | "tokens" | "turnCount">,
  formats: Pick<Formats, "count">,
): { readonly size: string; readonly place: string } {
  if (server === undefined) return { size: plural(tokens, "token", formats), place: tier };
  return { size: plural(turnCount, "turn", formats), place: `on ${shownName(hostOf(server.address))}` };
}
