import type { Attachment } from "../common/attachments";
import { attachedText } from "../text/attachedText";
import type { PromptBuilder } from "../text/prompt";

/** More than a message takes. */
const mostKnown = 500;

/** Tokens of attachments. A draft comes with the same ones again and again: each is counted once. */
export class AttachedTokens {
  /** By digest and place, the oldest first. */
  private readonly known = new WeakMap<PromptBuilder, Map<string, number>>();

  async count(attachments: readonly Attachment[], prompts: PromptBuilder): Promise<readonly number[]> {
    const known = this.known.get(prompts) ?? new Map<string, number>();
    this.known.set(prompts, known);
    const counts: number[] = [];
    for (const attachment of attachments) {
      const key = keyOf(attachment);
      const tokens = known.get(key) ?? (await prompts.countText(attachedText(attachment)));
      known.delete(key);
      known.set(key, tokens);
      counts.push(tokens);
      const [oldest] = known.keys();
      if (known.size > mostKnown && oldest !== undefined) known.delete(oldest);
    }
    return counts;
  }
}

function keyOf({ kind, path, range, digest, text }: Attachment): string {
  return JSON.stringify([kind, path, range?.from, range?.to, digest, text.length]);
}
