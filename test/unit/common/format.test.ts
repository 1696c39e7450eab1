import assert from "node:assert/strict";
import fc from "fast-check";
import { createFormats } from "../../../src/common/format";

const english = createFormats("en");

describe("figures as people read them", () => {
  it("shows counts in full", () => {
    assert.equal(english.count(3425), "3,425");
    assert.equal(createFormats("de").count(3425), "3.425");
  });

  it("falls back to English for what is not a language", () => {
    assert.equal(createFormats("not a language").count(3425), "3,425");
    assert.equal(createFormats("").count(3425), "3,425");
  });

  it("shows durations in whole ms, then s with a decimal, then min and s", () => {
    const shown = [0, 84.4, 999.4, 999.6, 1700, 59_949, 59_951, 125_000].map(english.duration);
    assert.deepEqual(shown, ["0 ms", "84 ms", "999 ms", "1.0 s", "1.7 s", "59.9 s", "1 min 0 s", "2 min 5 s"]);
  });

  it("shows benchmark times with a decimal below 100 ms and µs below 0.1 ms", () => {
    const shown = [0, 0.0021, 0.5, 3.14, 99.94, 158.2, 1700].map(english.fineDuration);
    assert.deepEqual(shown, ["0.0 ms", "2.1 µs", "0.5 ms", "3.1 ms", "99.9 ms", "158 ms", "1.7 s"]);
  });

  it("shows rates whole from 10, else with a decimal, ratios with two", () => {
    assert.deepEqual([8.42, 9.96, 61.4, 0].map(english.rate), ["8.4", "10", "61", "0.0"]);
    assert.deepEqual([0.772, 1.2, 9.996, 46.2].map(english.ratio), ["0.77", "1.20", "10", "46"]);
  });

  it("shows bytes with three significant digits, 1 MB being 1,048,576", () => {
    const shown = [0, 999, 1024, 116 * 1024 ** 2, 1000 * 1024 ** 2, 1.74 * 1024 ** 3].map(english.bytes);
    assert.deepEqual(shown, ["0 B", "999 B", "1.00 KB", "116 MB", "0.977 GB", "1.74 GB"]);
  });

  it("shows a part of a whole in the whole's unit", () => {
    assert.equal(english.bytesOf(1.08 * 1024 ** 3, 1.74 * 1024 ** 3), "1.08 of 1.74 GB");
    assert.equal(english.bytesOf(5.63 * 1024 ** 2, 8 * 1024 ** 3), "5.63 MB of 8.00 GB");
    assert.equal(english.bytesOf(0, 398 * 1024 ** 2), "0.00 of 398 MB");
  });

  it("says the time left in steps of 1 s, 5 s and 1 min, and nothing while it is unknown", () => {
    const shown = [200, 2400, 10_000, 11_000, 54_000, 56_000, 61_000].map(english.remaining);
    const expected = ["1 s", "3 s", "10 s", "15 s", "55 s", "1 min", "2 min"].map((left) => `about ${left} left`);
    assert.deepEqual(shown, expected);
    for (const unknown of [undefined, Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      assert.equal(english.remaining(unknown), undefined);
      assert.equal(english.remainingInWords(unknown), undefined);
    }
  });

  it("says the time left in words for assistive technology", () => {
    assert.equal(english.remainingInWords(900), "about 1 second left");
    assert.equal(english.remainingInWords(2400), "about 3 seconds left");
    assert.equal(english.remainingInWords(61_000), "about 2 minutes left");
  });

  it("says how long ago something was", () => {
    const minutes = (n: number) => english.ago(n * 60_000);
    assert.deepEqual([0.5, 12, 60, 47 * 60, 48 * 60].map(minutes), [
      "now",
      "12 min. ago",
      "1 hr. ago",
      "47 hr. ago",
      "2 days ago",
    ]);
    assert.equal(createFormats("de").ago(12 * 60_000), "vor 12 Min.");
  });

  it("never shows more than three digits before the point of bytes", () => {
    const size = fc.double({ min: -1e15, max: 1e15, noNaN: true });
    fc.assert(fc.property(size, (value) => /^-?\d{1,3}(\.\d+)? [KMGT]?B$/.test(english.bytes(value))));
  });
});
