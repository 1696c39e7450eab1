import type { MarkdownIt } from "markdown-it";

/**
 * "www.example.org/x" is a link. Names without "www." are not: "main.rs" and "README.md" are names of files here, though
 * both end in a top-level domain.
 */
export function wwwLinks({ linkify }: MarkdownIt): void {
  linkify.add("www.", {
    validate: (text, at, { re }) => {
      const rest = new RegExp(`(?:${re.get_url_host_port().source})(?:${re.get_path().source})`, "iy");
      rest.lastIndex = at;
      const found = rest.exec(text)?.[0] ?? "";
      return found.includes(".") ? found.length : 0;
    },
    normalize: (match) => {
      match.url = `https://${match.url}`;
    },
  });
}
