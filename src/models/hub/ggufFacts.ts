import type { ByteSource } from "../fileSource";
import { placeTensors, readGgufHeader } from "../gguf/ggufFile";
import { readHyperparameters } from "../gguf/hyperparameters";
import type { CacheShape } from "../modelFacts";
import { readBody } from "./answerBody";
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
  const source = new PagedSource(file.bytes, async (start, end) => {
    const headers = { range: `bytes=${start}-${end - 1}` };
    const answer = await client.transport.get(client.fileUrl(name, commit, file.path), { headers, signal });
    if (answer.status !== 206) {
      answer.body.destroy();
      throw hubFailure(`the server of ${file.path} sends only whole files`, "choose a model in MLX's format", { name });
    }
    return readBody(answer, pageBytes, { stallMs: client.transport.stallMs, leastBytes: 1 }, signal);
  });
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

/** A file behind a network: read in pages, each fetched once. */
class PagedSource implements ByteSource {
  private readonly pages = new Map<number, Promise<Buffer>>();

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

  private page(index: number): Promise<Buffer> {
    const known = this.pages.get(index);
    if (known !== undefined) return known;
    const start = index * pageBytes;
    const fetched = this.fetchBytes(start, Math.min(this.size, start + pageBytes));
    this.pages.set(index, fetched);
    return fetched;
  }
}
