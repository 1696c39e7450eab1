import assert from "node:assert/strict";
import { isBeyondLoopback, isPlainBeyondLoopback, parseServerAddress } from "../../../src/common/serverAddress";

describe("A server's address", () => {
  it("has one form for all ways to write it", () => {
    const written: readonly (readonly [string, string])[] = [
      ["http://localhost:8080", "http://localhost:8080/v1"],
      ["localhost:8080", "http://localhost:8080/v1"],
      [" http://localhost:8080/ ", "http://localhost:8080/v1"],
      ["http://localhost:8080/v1/", "http://localhost:8080/v1"],
      ["http://localhost:8080/v1/chat/completions", "http://localhost:8080/v1"],
      ["http://localhost:8080/v1/models", "http://localhost:8080/v1"],
      ["127.0.0.1:1234", "http://127.0.0.1:1234/v1"],
      ["0.0.0.0:8000", "http://127.0.0.1:8000/v1"],
      ["http://[::]:8000", "http://[::1]:8000/v1"],
      ["[::1]:11434", "http://[::1]:11434/v1"],
      ["http://[2001:DB8::7]:8000/v1", "http://[2001:db8::7]:8000/v1"],
      ["api.example.com", "https://api.example.com/v1"],
      ["HTTPS://API.Example.com:443/v1", "https://api.example.com/v1"],
      ["https://router.example/api/v1", "https://router.example/api/v1"],
      ["https://host.example/v1beta/openai/", "https://host.example/v1beta/openai"],
      ["http://studio:8000", "http://studio:8000/v1"],
    ];
    for (const [text, url] of written) {
      assert.equal(parseServerAddress(text).url, url, text);
      assert.equal(parseServerAddress(url).url, url, "twice");
    }
    assert.equal(parseServerAddress("http://studio:8000/v1").host, "studio:8000");
  });

  it("is refused with what to write instead", () => {
    const refused: readonly (readonly [string, RegExp])[] = [
      ["", /no server's address/],
      ["http://", /no server's address/],
      ["::1", /no server's address/],
      ["my server", /no server's address/],
      ["http://host:99999", /no server's address/],
      ["mailto:a@b.example", /no server's address|name or a password/],
      [`http://${"a".repeat(3000)}`, /no server's address/],
      ["ftp://host/v1", /http or https, not ftp:/],
      ["file:///etc/passwd", /no server's address|http or https/],
      ["ws://host:8080", /http or https, not ws:/],
      ["https://user:secret@host/v1", /name or a password/],
      ["https://secret@host/v1", /name or a password/],
      ["https://host/v1?key=secret", /a \? or a #/],
      ["https://host/v1#secret", /a \? or a #/],
    ];
    for (const [text, what] of refused) {
      assert.throws(() => parseServerAddress(text), what, text);
      assert.throws(
        () => parseServerAddress(text),
        (error: Error) => !error.message.includes("secret"),
      );
    }
  });

  it("tells whether text leaves the machine, and whether it can be read on the way", () => {
    const here = ["localhost:1", "127.0.0.1:1", "127.8.9.1:1", "[::1]:1", "0.0.0.0:1", "[::ffff:127.0.0.1]:1"];
    for (const text of here) {
      const { url } = parseServerAddress(text);
      assert.deepEqual([isBeyondLoopback(url), isPlainBeyondLoopback(url)], [false, false], url);
    }
    const away = ["http://192.168.1.7:1", "http://studio.local:1", "http://localhost.example:1", "http://[::2]:1"];
    for (const text of away) {
      const { url } = parseServerAddress(text);
      assert.deepEqual([isBeyondLoopback(url), isPlainBeyondLoopback(url)], [true, true], url);
    }
    const { url } = parseServerAddress("https://api.example.com");
    assert.deepEqual([isBeyondLoopback(url), isPlainBeyondLoopback(url)], [true, false]);
  });
});
