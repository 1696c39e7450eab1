#pragma once
#include <thread>

namespace resident {

/**
 * Wishes that `thread`, which is about to be woken, runs on another processor than the caller, until it calls
 * RunAnywhere. Where processors are few and busy, Linux puts a woken thread behind the one that woke it for a time
 * slice, even while another processor is idle (sched(7); the scheduler's SIS_UTIL): measured on two, the second reader
 * of a block's file came 1.4 ms late. Elsewhere, and where there is one processor only, nothing happens.
 */
void RunElsewhere(std::thread& thread);
/** The caller may run on all processors that the process had when this was called first. */
void RunAnywhere();

}  // namespace resident
