import type { PinnedFile } from "../common/attachments";
import { ResidentError } from "../common/errors";
import type { ContextParts } from "../protocol/service";
import type { AgentWriter } from "../store/agentWriter";
import type { Manifest } from "../store/manifest";
import { pinnedText } from "../text/pinnedText";
import type { PromptBuilder } from "../text/prompt";
import { frameOf } from "./agentFrame";
import { viewsOf } from "./pinnedFiles";
import type { TurnTree } from "./turnTree";

/** What a manifest keeps of the counts. */
type Counts = Required<Pick<Manifest, "files" | "instructionTokens">>;

/** What they depend on. */
type Counted = Pick<Manifest, "system" | "tools" | "thinking" | "modelDirectory"> & {
  readonly files: readonly PinnedFile[];
};

/** Tokens of what stands before an agent's conversation, counted once for each state of it. */
export class FrameSize {
  private known: { readonly of: Counted; readonly counts: Counts } | undefined;

  constructor(
    private readonly writer: Pick<AgentWriter, "manifest">,
    private readonly tree: Pick<TurnTree, "files">,
  ) {}

  /** Those of the manifest until they are counted here. */
  get counts(): Counts {
    const { known } = this;
    if (known !== undefined && isSame(known.of, this.state)) return known.counts;
    const { files = [], instructionTokens = 0 } = this.writer.manifest;
    return { files, instructionTokens };
  }

  /** A further field for the commit of a message: the message is read with what stands before it now. */
  get withMessage(): Partial<Pick<Manifest, "files" | "instructionTokens" | "headFrameTokens">> {
    const { known } = this;
    const { headFrameTokens = 0 } = this.writer.manifest;
    const isNew = known !== undefined && isSame(known.of, this.state);
    return {
      ...(isNew && known.counts.files.length > 0 ? { files: known.counts.files } : {}),
      ...(isNew ? { instructionTokens: known.counts.instructionTokens } : {}),
      ...(headFrameTokens > 0 ? { headFrameTokens: 0 } : {}),
    };
  }

  /** Tokens before the conversation; 0: they were not counted yet. */
  get tokens(): number {
    const { counts } = this;
    return isCounted(counts) ? frameTokens(counts) : 0;
  }

  /** Those of the history at the head, which may have been read with others. */
  get headTokens(): number {
    return this.writer.manifest.headFrameTokens || this.tokens;
  }

  /** Counts what is not known. Resolves with whether that changed anything. Rejects with ABORTED only. */
  async count(prompts: PromptBuilder, signal?: AbortSignal): Promise<boolean> {
    const of = this.state;
    const before = this.counts;
    if (isCounted(before)) return false;
    const instructionTokens = before.instructionTokens || (await this.instructions(prompts, signal));
    const tokens = new Map<PinnedFile, number>();
    for (const [index, file] of of.files.entries()) {
      // The empty lines around it count too.
      tokens.set(file, before.files[index]?.tokens ?? (await prompts.countText(`${pinnedText(file)}\n\n`, signal)));
    }
    const counts = { instructionTokens, files: viewsOf(of.files, (file) => tokens.get(file)) };
    if (!isSame(of, this.state)) return false;
    this.known = { of, counts };
    return true;
  }

  private get state(): Counted {
    const { system, tools = "", thinking = "", modelDirectory } = this.writer.manifest;
    return { system, tools, thinking, modelDirectory, files: this.tree.files };
  }

  /** The prompt of an empty conversation. */
  private async instructions(prompts: PromptBuilder, signal: AbortSignal | undefined): Promise<number> {
    const { system, ...frame } = frameOf(this.writer.manifest, []);
    const said = system === "" ? [] : [{ role: "system", content: system } as const];
    try {
      return (await prompts.build([...said, { role: "user", content: "" }], [], signal, frame)).ids.length;
    } catch (error) {
      // A template that refuses this may take the conversation itself.
      if (!(error instanceof ResidentError) || error.code === "ABORTED") throw error;
      return prompts.countText(system, signal);
    }
  }
}

type CountedManifest = Pick<Manifest, "files" | "instructionTokens" | "headFrameTokens" | "headTokens">;

/** `undefined`: something was not counted yet. */
export function partsOf(counted: CountedManifest): ContextParts | undefined {
  const { files = [], instructionTokens = 0, headFrameTokens = 0, headTokens } = counted;
  const counts = { files, instructionTokens };
  if (!isCounted(counts)) return undefined;
  const tokens = frameTokens(counts);
  return {
    instructions: instructionTokens,
    files: tokens - instructionTokens,
    conversation: Math.max(0, headTokens - (headFrameTokens || tokens)),
  };
}

function frameTokens({ files, instructionTokens }: Counts): number {
  return files.reduce((sum, { tokens = 0 }) => sum + tokens, instructionTokens);
}

function isCounted({ files, instructionTokens }: Counts): boolean {
  return instructionTokens > 0 && files.every(({ tokens }) => tokens !== undefined);
}

function isSame(a: Counted, b: Counted): boolean {
  return (
    a.system === b.system &&
    a.tools === b.tools &&
    a.thinking === b.thinking &&
    a.modelDirectory === b.modelDirectory &&
    a.files === b.files
  );
}
