#pragma once

namespace resident {

/**
 * How long `threads` threads (0: as many as compute) take to sample `rows` answers from as many words, in ms: the
 * median of some passes. Probabilities fall as those of a text's words do; temperature 0.7, top-p 0.9, repetition
 * penalty. Throws INVALID_REQUEST.
 */
double MeasureSampling(int rows, int words, int threads);

}  // namespace resident
