import assert from "node:assert/strict";
import { dayOf, formatDay } from "../../../src/text/strftime";

/** `python3 -c "import datetime; print(datetime.datetime(2026, 3, 5).strftime(...))"` */
const recorded: readonly (readonly [string, string, string])[] = [
  ["2026-03-05", "%Y-%m-%d %H:%M:%S", "2026-03-05 00:00:00"],
  ["2026-03-05", "%-d %j %I %p %e", "5 064 12 AM  5"],
  ["2026-03-05", "%A %a %B %b %y %%", "Thursday Thu March Mar 26 %"],
  ["2026-03-05", "%-m/%-d/%-y %-j", "3/5/26 64"],
  ["2026-03-05", "%u %w %U %W %V %G", "4 4 09 09 10 2026"],
  ["2027-01-01", "%u %w %U %W %V %G %j", "5 5 00 00 53 2026 001"],
  [
    "2026-11-30",
    "%c|%x|%X|%D|%F|%R|%T",
    "Mon Nov 30 00:00:00 2026|11/30/26|00:00:00|11/30/26|2026-11-30|00:00|00:00:00",
  ],
  ["2026-12-31", "%d %B %Y, %_m %Q", "31 December 2026, 12 %Q"],
];

describe("The day in a template", () => {
  for (const [day, format, expected] of recorded) {
    it(`is written as Python's strftime writes it: ${format}`, () => assert.equal(formatDay(day, format), expected));
  }

  it("is the day of the clock on the wall", () => {
    assert.equal(dayOf(new Date(2026, 10, 30, 23, 59)), "2026-11-30");
    assert.equal(dayOf(new Date(2027, 0, 1, 0, 0)), "2027-01-01");
  });
});
