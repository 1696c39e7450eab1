/** Whole files that a model wrote as it writes code in a chat: between two fences. */

/** Files in which a fence is text as any other. */
const prose = /(?:^|\/)[^./]+$|\.(?:md|mdx|markdown|mdc|qmd|rmd|txt|rst|adoc|org|html?)$/i;
const opening = /^\s*(`{3,})[\w+#.-]*[ \t]*\r?\n/;

/** Without the fence around all of it. A text with a further fence, and one that may have fences of its own, stay as they are. */
export function withoutFence(path: string, content: string): string {
  if (prose.test(path)) return content;
  const found = opening.exec(content);
  const [head = "", fence = ""] = found ?? [];
  if (fence === "") return content;
  const rest = content.slice(head.length).trimEnd();
  const body = rest.slice(0, -fence.length);
  const isClosed = rest.endsWith(fence) && (body === "" || body.endsWith("\n"));
  return isClosed && !/^[ \t]*```/m.test(body) ? body : content;
}
