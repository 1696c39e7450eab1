import type { ByteSource } from "../fileSource";
import { placeTensors, readGgufHeader } from "../gguf/ggufFile";
import { readHyperparameters } from "../gguf/hyperparameters";
import type { CacheShape } from "../modelFacts";
import type { HubClient, HubRepo } from "./hubClient";
import { hubFailure } from "./hubErrors";
import type { GgufVariant } from "./neededFiles";
import { namesTools } from "./templateTools";

const pageBytes = 2 << 20;

/** What a model is, as far as a plan needs it. */
export interface PlannedFacts {
  readonly family: string;
  readonly shape: CacheShape & { readonly contextTokens: number };
  readonly usesTools: boolean | undefined;
}

/** The facts in the head of a GGUF file, of which only as much is fetched as they need. */
export async function readGgufFacts(
  client: HubClient,
  { name, commit }: HubRepo,
  variant: GgufVariant,
  signal: AbortSignal | undefined,
): Promise<PlannedFacts> {
  const [file] = variant.files;
  if (file === undefined) throw hubFailure(`${name} has no GGUF file`, "choose another model", { name });
  const source = new PagedSource(file.bytes, (start, end) => client.range(name, commit, file, { start, end }, signal));
  const header = await readGgufHeader(source, signal);
  const { metadata } = header;
  const parameters = readHyperparameters(metadata);
  placeTensors(header);
  const template = metadata.string("tokenizer.chat_template");
  return {
    family: parameters.family.architecture,
    shape: { ...parameters, windows: [] },
    usesTools: template === undefined ? undefined : namesTools(template),
  };
}

/** A file behind a network, for a reader that goes forward: read in pages, of which the last one is kept. */
class PagedSource implements ByteSource {
  private last: { readonly index: number; readonly bytes: Buffer } | undefined;

  constructor(
    readonly size: number,
    private readonly fetchBytes: (start: number, end: number) => Promise<Buffer>,
  ) {}

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < buffer.length && position + filled < this.size) {
      const at = position + filled;
      const page = await this.page(Math.floor(at / pageBytes));
      const part = page.subarray(at % pageBytes, (at % pageBytes) + buffer.length - filled);
      if (part.length === 0) break;
      buffer.set(part, filled);
      filled += part.length;
    }
    return filled;
  }

  private async page(index: number): Promise<Buffer> {
    if (this.last?.index === index) return this.last.bytes;
    const start = index * pageBytes;
    const bytes = await this.fetchBytes(start, Math.min(this.size, start + pageBytes));
    this.last = { index, bytes };
    return bytes;
  }
}
