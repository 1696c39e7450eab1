import { createFormats } from "../../common/format";
import { digestOf } from "./digest";
import { mostFileBytes, withPlainLines } from "./textOfBytes";

/** What was found where a file is looked for. */
export type FileReading =
  | { readonly is: "text"; readonly text: string; readonly digest: string; readonly modifiedAt: number }
  | { readonly is: "folder" }
  | { readonly is: "missing" }
  /** One sentence. */
  | { readonly is: "refused"; readonly problem: string };

export const refusals = {
  image: "It is an image, which the model cannot read.",
  binary: "It is not a text file.",
  empty: "It is empty.",
  missing: "It is not there.",
  tooLarge: (bytes: number) => {
    const formats = createFormats("en");
    return `It is too large: ${formats.bytes(bytes)}, and ${formats.bytes(mostFileBytes)} can be read.`;
  },
  noFileSystem: (scheme: string) => `Nothing that is open here can read "${scheme}:" files.`,
} as const;

/** `modifiedAt` in ms since 1970; 0: not known. */
export function textReading(text: string, modifiedAt: number): FileReading {
  if (text.length > mostFileBytes) return { is: "refused", problem: refusals.tooLarge(text.length) };
  const plain = withPlainLines(text);
  return { is: "text", text: plain, digest: digestOf(plain), modifiedAt };
}
