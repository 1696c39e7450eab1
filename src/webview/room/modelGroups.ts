/** Answers of one model stand together under its name, where a message needs more than one model. Pure. */
import type { PageEngine } from "../../protocol/page";
import type { RoomAnswer, RoomMessage } from "../../protocol/room";

export interface ModelGroup {
  readonly directory: string;
  readonly name: string;
  readonly answers: readonly RoomAnswer[];
}

/** In the order of the first answer of each; one group without a name where there is only one model. */
export function modelGroups({ answers }: RoomMessage): readonly ModelGroup[] {
  const groups = new Map<string, ModelGroup>();
  for (const answer of answers) {
    const { directory, name } = answer.model ?? { directory: "", name: "" };
    const group = groups.get(directory) ?? { directory, name, answers: [] };
    groups.set(directory, { ...group, answers: [...group.answers, answer] });
  }
  return groups.size > 1 ? [...groups.values()] : [{ directory: "", name: "", answers }];
}

/** What the engine has to do with a model, in words; empty where it has nothing to do with it. */
export function modelState({ directory, name }: ModelGroup, { state }: PageEngine): string {
  if (state.type === "ready" && state.model.directory === directory) return "loaded";
  return state.type === "loading" && state.model === name ? "loading" : "";
}
