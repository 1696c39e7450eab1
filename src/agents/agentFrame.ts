import { InvalidRequestError } from "../common/errors";
import { isThinking, type Thinking, thinkingModes } from "../common/thinking";
import type { Manifest } from "../store/manifest";
import type { PromptFrame } from "../text/prompt";
import { type Day, dayOf } from "../text/strftime";
import { storedTools } from "./agentTools";

/** What stands around an agent's messages in all its prompts. */
export function frameOf(manifest: Manifest): PromptFrame {
  const thinking = storedThinking(manifest);
  const tools = storedTools(manifest);
  return {
    system: manifest.system,
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
