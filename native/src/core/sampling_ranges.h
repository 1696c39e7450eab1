#pragma once
#include <cmath>

namespace resident {

/** The values that one sampling parameter may have, both ends included. */
struct SamplingRange {
  const char* name;
  double min, max;
  bool whole;  // only whole numbers

  /** False for NaN. */
  bool Has(double value) const { return value >= min && value <= max && (!whole || std::nearbyint(value) == value); }
};

/** The table of src/common/samplingRanges.ts, which says what each is for; a test compares the two. */
namespace sampling_ranges {
constexpr SamplingRange kTemperature{"temperature", 0, 100, false};
constexpr SamplingRange kTopK{"topK", 0, 2147483647, true};
constexpr SamplingRange kTopP{"topP", 0, 1, false};
constexpr SamplingRange kMinP{"minP", 0, 1, false};
constexpr SamplingRange kRepetitionPenalty{"repetitionPenalty", 0.01, 100, false};
constexpr SamplingRange kPresencePenalty{"presencePenalty", -100, 100, false};
constexpr SamplingRange kFrequencyPenalty{"frequencyPenalty", -100, 100, false};
constexpr SamplingRange kSeed{"seed", 0, 9007199254740991, true};
constexpr SamplingRange kLogprobs{"logprobs", -1, 1000, true};
constexpr SamplingRange kLogitBias{"logitBias", -10000, 10000, false};
constexpr SamplingRange kAll[] = {kTemperature,      kTopK, kTopP,     kMinP,     kRepetitionPenalty, kPresencePenalty,
                                  kFrequencyPenalty, kSeed, kLogprobs, kLogitBias};
}  // namespace sampling_ranges

/** Answer tokens, counted from the newest, that the repetition penalty looks at. */
constexpr int kRepetitionWindowTokens = 64;

}  // namespace resident
