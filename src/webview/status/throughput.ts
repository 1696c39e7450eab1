import type { Formats } from "../../common/format";
import type { EngineMetrics } from "../../protocol/service";
import type { MetricSample } from "../../protocol/status";
import { h, type TreeNode } from "../shared/tree";
import { counter, pane } from "./pane";
import { sparkline } from "./spark";

export function throughputView(metrics: EngineMetrics, samples: readonly MetricSample[], formats: Formats): TreeNode {
  const rate = (value: number): readonly [string, string] => [formats.rate(value), "tok/s"];
  // No turn has ever taken 0 ms: none was answered yet.
  const wait = (ms: number) => (ms > 0 ? split(formats.duration(ms)) : (["–", "ms"] as const));
  const spark = (title: string, [value, unit]: readonly [string, string], values: readonly number[]) =>
    h(
      "div.spark",
      { key: title },
      h("span.small.dim", {}, title),
      h("span.v", {}, value, " ", h("small.unit", {}, unit)),
      sparkline(values, `${title}, last 5 minutes, now ${value} ${unit}`),
    );
  const { prefixCacheHits, prefixCacheQueries } = metrics;
  const hitRate = prefixCacheQueries > 0 ? formats.percent(prefixCacheHits / prefixCacheQueries) : "–";
  const { specDecodeNumDraftTokens: guessed, specDecodeNumAcceptedTokens: right } = metrics;
  const guessRate = guessed > 0 ? formats.percent(right / guessed) : "–";
  return pane(
    { title: "Throughput", hint: "last 5 minutes", wide: true },
    h(
      "div.sparks.num",
      {},
      spark("Decode", rate(metrics.decodeTokensPerSecond), pick(samples, "decodeTokensPerSecond")),
      spark("Prefill", rate(metrics.prefillTokensPerSecond), pick(samples, "prefillTokensPerSecond")),
      spark("TTFT, p50", wait(metrics.ttftP50Ms), pick(samples, "ttftP50Ms")),
      spark("TTFT, p95", wait(metrics.ttftP95Ms), pick(samples, "ttftP95Ms")),
    ),
    h(
      "dl.counters.num",
      {},
      counter("KV cache usage", formats.percent(metrics.kvCacheUsage), "kv_cache_usage_perc"),
      counter("Prefix cache hit rate", hitRate, "prefix_cache_hits / prefix_cache_queries, in tokens"),
      counter("Running", formats.count(metrics.numRequestsRunning), "num_requests_running"),
      counter("Waiting", formats.count(metrics.numRequestsWaiting), "num_requests_waiting"),
      counter("Preemptions", formats.count(metrics.numPreemptions), "num_preemptions"),
      counter("Guesses right", guessRate, "spec_decode_num_accepted_tokens / spec_decode_num_draft_tokens"),
    ),
  );
}

function pick(samples: readonly MetricSample[], field: Exclude<keyof MetricSample, "at">): readonly number[] {
  return samples.map((sample) => sample[field]);
}

/** "1.7 s" → the figure and its unit. */
function split(duration: string): readonly [string, string] {
  const at = duration.lastIndexOf(" ");
  return [duration.slice(0, at), duration.slice(at + 1)];
}
