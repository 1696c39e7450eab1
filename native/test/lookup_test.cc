#include "core/lookup.h"

#include "check.h"

using namespace resident;

namespace {

std::vector<int32_t> Draft(std::vector<int32_t> ids, int most) { return PromptLookup(std::move(ids)).Draft(most); }

}  // namespace

TEST("a continuation is what followed the longest suffix, the latest where several are") {
  CHECK_EQUAL(Draft({1, 2, 3, 4, 5, 6, 1, 2, 3}, 3), (std::vector<int32_t>{4, 5, 6}));
  CHECK_EQUAL(Draft({1, 2, 3, 7, 1, 2, 3, 8, 1, 2, 3}, 1), (std::vector<int32_t>{8}));
  CHECK_EQUAL(Draft({9, 1, 2, 3, 7, 5, 1, 2, 3, 8, 9, 1, 2, 3}, 1), (std::vector<int32_t>{7}));
}

TEST("nothing is guessed from short agreement, from nothing, or when nothing is wanted") {
  CHECK_EQUAL(Draft({1, 2, 3, 9, 2, 3}, 4), std::vector<int32_t>{});
  CHECK_EQUAL(Draft({}, 4), std::vector<int32_t>{});
  CHECK_EQUAL(Draft({5}, 4), std::vector<int32_t>{});
  CHECK_EQUAL(Draft({1, 2, 3}, 4), std::vector<int32_t>{});
  CHECK_EQUAL(Draft({1, 2, 3, 4, 1, 2, 3}, 0), std::vector<int32_t>{});
}

TEST("a repetition is guessed to go on") {
  CHECK_EQUAL(Draft({7, 7, 7, 7}, 4), (std::vector<int32_t>{7, 7, 7, 7}));
  CHECK_EQUAL(Draft({8, 1, 2, 1, 2, 1, 2}, 4), (std::vector<int32_t>{1, 2, 1, 2}));
}

TEST("guesses grow with success and shrink with failure") {
  std::vector<int32_t> ids;
  for (int32_t i = 0; i < 40; ++i) ids.push_back(i);
  for (int32_t i = 0; i < 4; ++i) ids.push_back(i);
  PromptLookup lookup(ids);
  CHECK_EQUAL(lookup.Draft(100).size(), size_t(4));
  lookup.Learn(4, 4);
  CHECK_EQUAL(lookup.Draft(100).size(), size_t(8));
  lookup.Learn(8, 8);
  lookup.Learn(15, 15);
  CHECK_EQUAL(lookup.Draft(100).size(), size_t(15));
  lookup.Learn(15, 0);
  CHECK_EQUAL(lookup.Draft(100).size(), size_t(2));
}
