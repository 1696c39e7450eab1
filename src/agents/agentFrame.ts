import type { PinnedFile } from "../common/attachments";
import { InvalidRequestError } from "../common/errors";
import { isThinking, type Thinking, thinkingModes } from "../common/thinking";
import type { Manifest } from "../store/manifest";
import { systemText } from "../text/pinnedText";
import type { PromptFrame } from "../text/prompt";
import { type Day, dayOf } from "../text/strftime";
import { storedTools } from "./agentTools";

/** What stands around an agent's messages in all its prompts. `files`: those that are pinned. */
export function frameOf(manifest: Manifest, files: readonly PinnedFile[]): PromptFrame {
  const thinking = storedThinking(manifest);
  const tools = storedTools(manifest);
  return {
    system: systemText(manifest.system, files),
    day: dayOfAgent(manifest),
    ...(thinking === undefined ? {} : { thinking }),
    ...(tools === undefined ? {} : { tools }),
  };
}

/** The same day for its whole life. Agents of earlier versions have that of their creation. */
export function dayOfAgent({ day, createdAt }: Pick<Manifest, "day" | "createdAt">): Day {
  return day ?? dayOf(new Date(createdAt));
}

/** Throws INVALID_REQUEST for anything else. */
export function checkedThinking(thinking: string): Thinking {
  if (isThinking(thinking)) return thinking;
  throw new InvalidRequestError(
    `an agent cannot think '${thinking}'`,
    `choose ${thinkingModes.join(", ")} or nothing`,
    {
      thinking,
    },
  );
}

/** `undefined`: the model's own, also for a mode that this program does not know. */
export function storedThinking({ thinking }: Pick<Manifest, "thinking">): Thinking | undefined {
  return isThinking(thinking) ? thinking : undefined;
}
