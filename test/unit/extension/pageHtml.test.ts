import assert from "node:assert/strict";
import { contentSecurityPolicy, pageHtml } from "../../../src/extension/pages/pageHtml";

const resources = {
  title: 'A "title" <b>',
  language: "en",
  scriptUri: "https://host/chat.js?a=1&b=2",
  styleUri: "https://host/chat.css",
  cspSource: "https://host",
  nonce: "abc123",
};

describe("a page's HTML", () => {
  it("allows nothing but its own script, style and fonts", () => {
    assert.equal(
      contentSecurityPolicy(resources),
      "default-src 'none'; script-src 'nonce-abc123'; style-src https://host; font-src https://host; base-uri 'none'; form-action 'none'",
    );
  });

  it("carries no script without the nonce and nothing inline", () => {
    const scripts = [...pageHtml(resources).matchAll(/<script([^>]*)>(.*?)<\/script>/gs)];
    assert.equal(scripts.length, 1);
    assert.match(scripts[0]?.[1] ?? "", /nonce="abc123"/);
    assert.equal(scripts[0]?.[2], "");
    assert.doesNotMatch(pageHtml(resources), /<style|style=|onload=/);
  });

  it("escapes what it puts into attributes and text", () => {
    const html = pageHtml(resources);
    assert.ok(html.includes("<title>A &quot;title&quot; &lt;b></title>"));
    assert.ok(html.includes("chat.js?a=1&amp;b=2"));
  });
});
