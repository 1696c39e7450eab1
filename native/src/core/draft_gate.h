#pragma once
#include <map>

namespace resident {

/** Guesses of one step at most: rows that cost little compared with the weights that it reads. */
constexpr int kLongestDraft = 15;

/**
 * Of `wanted` guesses, how many one sequence may have in a step. On a GPU more than a few rows leave the kernels that
 * are made for decoding: MLX's attention of few rows takes 32 rows of queries for each head of K and V, and its
 * products read the weights once for each of few rows.
 */
int MostDraft(bool is_gpu, int heads, int kv_heads, int wanted);

/**
 * Whether guesses pay, by what steps with and without them have taken: an accepted guess must cost less than the time
 * that a token takes without. Of one model, over all runs; knows no clock.
 */
class DraftGate {
 public:
  /** Whether the next step of `sequences` that only decode may have guesses. Asked once a step. */
  bool MayGuess(int sequences);
  /** A step in which `sequences` decoded and nothing else happened. */
  void Record(int sequences, int drafted, int accepted, double ms);

 private:
  struct Plain {
    double ms = 0;  // of a step without guesses
    int known_for = 0;
  };
  void Judge();

  std::map<int, Plain> plain_;  // by sequences
  // Of the guesses since the last verdict, the older ones counting less: what they cost and what they saved.
  double extra_ms_ = 0, saved_ms_ = 0;
  int judged_ = 0;
  int paused_ = 0, next_pause_ = kFirstPause;

  static constexpr int kFirstPause = 64;
};

}  // namespace resident
