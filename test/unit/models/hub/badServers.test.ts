import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import type { ErrorCode } from "../../../../src/common/errors";
import { withHub } from "../../../../src/models/hub/hubSession";
import { rejection, temporaryFolder } from "../../../support/models/folders";
import { FakeHub, type Mischief } from "../../../support/models/hub/fakeHub";
import { assertNoModel, assertWhole, fakeModel, getModel, smallParts } from "../../../support/models/hub/hubRig";

const name = "maker/Model-4bit";
const weights = "model-00002-of-00002.safetensors";
const model = fakeModel(name);
const content = Buffer.from(model.files[weights] ?? "");

/** Applies to the first `times` requests for the weights at the store. */
function forWeights(times: number, work: (...of: Parameters<Mischief>) => void): Mischief {
  let left = times;
  return (request, response, seen) => {
    if (seen.host !== "store" || !seen.path.endsWith(weights) || left <= 0) return false;
    left -= 1;
    work(request, response, seen);
    return true;
  };
}

function rangeOf(range: string | undefined): readonly [number, number] {
  const [, from = "0", to = "0"] = /(\d+)-(\d+)/.exec(range ?? "") ?? [];
  return [Number(from), Number(to) + 1];
}

type Case = readonly [what: string, mischief: Mischief, refused?: readonly [ErrorCode, RegExp]];

const always = Number.POSITIVE_INFINITY;

const cases: readonly Case[] = [
  [
    "that lists another length than it sends",
    forWeights(always, (_request, response, { range }) => {
      const [start, end] = rangeOf(range);
      response.writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${content.length + 5}` });
      response.end(content.subarray(start, end));
    }),
    ["HUB_FAILURE", /sends \d+ bytes for model-00002.*, and the hub lists \d+/],
  ],
  [
    "that sends more than it was asked for",
    forWeights(always, (_request, response, { range }) => {
      const [start, end] = rangeOf(range);
      response.writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${content.length}` });
      response.end(Buffer.concat([content.subarray(start, end), Buffer.alloc(9)]));
    }),
    ["HUB_FAILURE", /sends more bytes/],
  ],
  [
    "that sends other bytes than the hash says",
    forWeights(always, (_request, response, { range }) => {
      const [start, end] = rangeOf(range);
      const bytes = Buffer.from(content.subarray(start, end));
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      response.writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${content.length}` });
      response.end(bytes);
    }),
    ["MODEL_CORRUPT", /is not the file that the hub lists/],
  ],
  [
    "that finds a range too long (416)",
    forWeights(always, (_request, response) => void response.writeHead(416).end()),
    ["HUB_FAILURE", /refuses the request \(416\)/],
  ],
  [
    "that wants a pause (429) and says how long",
    forWeights(3, (_request, response) => void response.writeHead(429, { "retry-after": "1" }).end()),
  ],
  [
    "that wants a pause of an hour",
    forWeights(always, (_request, response) => void response.writeHead(429, { "retry-after": "3600" }).end()),
    ["HUB_FAILURE", /takes no more requests for now/],
  ],
  [
    "that fails in the middle (500), then works",
    forWeights(3, (_request, response) => void response.writeHead(500).end()),
  ],
  [
    "that always fails (500)",
    forWeights(always, (_request, response) => void response.writeHead(500).end()),
    ["HUB_FAILURE", /answers with an error \(500\)/],
  ],
  [
    "that breaks the connection in the middle of a part, then works",
    forWeights(4, (request, response, { range }) => {
      const [start, end] = rangeOf(range);
      response.writeHead(206, {
        "content-range": `bytes ${start}-${end - 1}/${content.length}`,
        "content-length": end - start,
      });
      response.write(content.subarray(start, start + 9000), () => setTimeout(() => request.socket.destroy(), 5));
    }),
  ],
  [
    "that redirects in circles",
    forWeights(always, (_request, response, { path }) => void response.writeHead(302, { location: path }).end()),
    ["HUB_FAILURE", /redirects in circles/],
  ],
  [
    "that redirects to an address that is none",
    forWeights(always, (_request, response) => void response.writeHead(302, { location: "file:///etc/passwd" }).end()),
    ["HUB_FAILURE", /redirects to an address that is not safe/],
  ],
  [
    "that drips",
    forWeights(always, (_request, response, { range }) => {
      const [start, end] = rangeOf(range);
      response.writeHead(206, { "content-range": `bytes ${start}-${end - 1}/${content.length}` });
      const drip = setInterval(() => (response.destroyed ? clearInterval(drip) : void response.write("x")), 20);
    }),
    ["HUB_FAILURE", /sends nothing or hardly anything/],
  ],
  ["that does not answer, then does", forWeights(1, () => {})],
  [
    "that sends files compressed",
    forWeights(always, (_request, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(content).subarray(0, 5000));
    }),
    ["HUB_FAILURE", /compressed \(gzip\)/],
  ],
  [
    "whose list is gzip that ends too early",
    (_request, response, { path }) => {
      if (!path.includes("/tree/")) return false;
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(JSON.stringify([1, 2, 3])).subarray(0, 15));
      return true;
    },
    ["HUB_FAILURE", /compressed answer .* is damaged/],
  ],
  [
    "that knows no ranges",
    forWeights(always, (_request, response) => {
      response.writeHead(200, { "content-length": content.length }).end(content);
    }),
  ],
  [
    "that knows no ranges and breaks off once",
    (() => {
      let first = true;
      return forWeights(always, (request, response) => {
        response.writeHead(200, { "content-length": content.length });
        if (!first) return void response.end(content);
        first = false;
        response.write(content.subarray(0, 50_000), () => setTimeout(() => request.socket.destroy(), 20));
      });
    })(),
  ],
  [
    "that sends a web page instead of a list",
    (_request, response, { path }) => {
      if (!path.startsWith("/api/")) return false;
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><p>Please log in to the hotel");
      return true;
    },
    ["HUB_FAILURE", /a web page instead of data/],
  ],
  [
    "that sends a web page instead of a file",
    forWeights(always, (_request, response) => {
      response.writeHead(200, { "content-type": "text/html", "content-length": 5 }).end("<html");
    }),
    ["HUB_FAILURE", /sends 5 bytes for/],
  ],
  [
    "whose list has always a next page",
    (request, response, { path }) => {
      if (!path.includes("/tree/")) return false;
      response.writeHead(200, { link: `<http://${request.headers.host}${path}>; rel="next"` }).end("[]");
      return true;
    },
    ["HUB_FAILURE", /a list of more than 100 pages/],
  ],
  [
    "whose list is data of another shape",
    (_request, response, { path }) => {
      if (!path.includes("/revision/")) return false;
      response.writeHead(200, { "content-type": "application/json" }).end('{"id": 7}');
      return true;
    },
    ["HUB_FAILURE", /is not what it should be/],
  ],
  [
    "whose list names files outside of the folder",
    (_request, response, { path }) => {
      if (!path.includes("/tree/")) return false;
      const evil = ["../../evil.safetensors", "/etc/config.json", "a\\config.json"];
      const entries = evil.map((file) => ({ type: "file", path: file, size: 1, oid: "a".repeat(40) }));
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(entries));
      return true;
    },
    ["MODEL_NOT_FOUND", /no weights/],
  ],
];

describe("A model from a server", () => {
  const folder = temporaryFolder();
  let hub: FakeHub;
  beforeEach(async () => {
    hub = await FakeHub.start();
    hub.add(model);
  });
  afterEach(() => hub.stop());

  for (const [what, mischief, refused] of cases) {
    it(`${what} is ${refused === undefined ? "whole" : "refused with the reason, and nothing is half made"}`, async () => {
      hub.mischief = mischief;
      const getting = getModel(hub, folder.path, name);
      if (refused === undefined) await assertWhole(await getting, model);
      else {
        await rejection(getting, ...refused);
        await assertNoModel(folder.path);
      }
      // Afterwards, from a server that is well, it is had.
      hub.mischief = () => false;
      await assertWhole(await getModel(hub, folder.path, name), model);
    });
  }

  it("that cannot be reached is refused with the reason", async () => {
    const { url } = hub;
    await hub.stop();
    await rejection(getModel({ url }, folder.path, name), "HUB_FAILURE", /cannot be reached \(ECONNREFUSED\)/);
    hub = await FakeHub.start();
  });

  it("that finds models of odd names and kinds tells only what can be shown and asked for", async () => {
    hub.mischief = (_request, response, { path }) => {
      if (path !== "/api/models") return false;
      const [config, tags] = [{ model_type: "llama\u001b[2J" }, ["license:\nno licence"]];
      const names = ["a/B\u001b[2J", "../../etc", "single", "a/B/c", "a/B:main", 7, "a/B"];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(names.map((id) => ({ _id: "x", id, config, tags, downloads: 1, gated: false }))));
      return true;
    };
    const found = await withHub({ endpoint: hub.url }, (client) => client.search("b", 50), smallParts);
    assert.deepEqual(
      found.map(({ name: found, architecture, licence }) => [found, architecture, licence]),
      [["a/B", "", ""]],
    );
  });

  it("that names another host as the next page of a list does not get the token", async () => {
    hub.mischief = (_request, response, { host, path }) => {
      if (host !== "hub" || !path.includes("/tree/")) return false;
      response.writeHead(200, { "content-type": "application/json", link: `<${hub.storeUrl}/more>; rel="next"` });
      response.end("[]");
      return true;
    };
    await getModel(hub, folder.path, name, { access: { token: "hf_secret" } }).catch(() => {});
    const told = hub.requests.filter(({ host }) => host === "store").map(({ authorization }) => authorization);
    assert.ok(told.length > 0 && told.every((authorization) => authorization === undefined));
  });
});
