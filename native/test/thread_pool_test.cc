#include "kernels/thread_pool.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <vector>

#include "check.h"

using namespace resident::kernels;

TEST("every chunk is taken once, by threads that are there") {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK_EQUAL(pool.threads(), threads);
    for (int round = 0; round < 3000; ++round) {
      const int chunks = round % 37;
      std::vector<std::atomic<int>> taken(static_cast<size_t>(chunks));
      std::atomic<bool> strangers = false;
      pool.Run(chunks, [&](int chunk, int thread) {
        ++taken[size_t(chunk)];
        if (thread < 0 || thread >= threads) strangers = true;
      });
      CHECK(!strangers);
      for (const auto& count : taken) CHECK_EQUAL(count.load(), 1);
    }
  }
}

TEST("a pool ends right after its work, whatever its helpers are at") {
  for (int round = 0; round < 3000; ++round) {
    std::atomic<int> taken = 0;
    ThreadPool pool(2 + round % 3);
    pool.Run(pool.threads(), [&](int, int) { ++taken; });
    if (round % 2 == 0) pool.Run(pool.threads(), [&](int, int) { ++taken; });
    CHECK(taken >= pool.threads());
  }
}

TEST("every chunk is taken once where threads take those of their own part first, and a thread alone in order") {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    for (int round = 0; round < 3000; ++round) {
      const int chunks = round % 37;
      std::vector<std::atomic<int>> taken(static_cast<size_t>(chunks));
      std::vector<int> order;
      const auto take = [&](int chunk, int) {
        ++taken[size_t(chunk)];
        if (threads == 1) order.push_back(chunk);
      };
      // Orders take turns: what one piece of work leaves behind must not be in the next one's way.
      pool.Run(chunks, take, round % 3 == 0 ? ThreadPool::Order::kOfAll : ThreadPool::Order::kOwnFirst);
      for (const auto& count : taken) CHECK_EQUAL(count.load(), 1);
      CHECK(std::is_sorted(order.begin(), order.end()));
    }
  }
}

TEST("a helper whose chunk takes as long as the caller's own do is not taken for one that was descheduled") {
  ThreadPool pool(2);
  const auto helped_in_ten = [&] {
    int helped = 0;
    for (int round = 0; round < 10; ++round) {
      pool.Run(2,
               [](int, int thread) { std::this_thread::sleep_for(std::chrono::milliseconds(thread == 0 ? 5 : 12)); });
      std::atomic<bool> by_helper = false;
      pool.Run(2, [&](int, int thread) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        if (thread == 1) by_helper = true;
      });
      helped += by_helper;
    }
    return helped;
  };
  // On a busy machine a helper is descheduled now and then; a pool that mistook it for that would be alone every time.
  int most = 0;
  for (int attempt = 0; attempt < 20 && most < 7; ++attempt) most = std::max(most, helped_in_ten());
  CHECK(most >= 7);
}

TEST("a pool that rests uses no processor time, and wakes up") {
  ThreadPool pool(3);
  std::atomic<int> sum = 0;
  pool.Run(100, [&](int chunk, int) { sum += chunk; });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto processor_ms = [] {
    timespec time{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return double(time.tv_sec) * 1e3 + double(time.tv_nsec) / 1e6;
  };
  const double before = processor_ms();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  CHECK(processor_ms() - before < 3);
  pool.Run(100, [&](int chunk, int) { sum += chunk; });
  CHECK_EQUAL(sum.load(), 9900);
}

TEST("children can be forked while the pool works") {
  ThreadPool pool(3);
  std::atomic<bool> stop = false;
  std::atomic<int> rounds = 0;
  std::thread worker([&] {
    while (!stop) {
      pool.Run(64, [&](int, int) { ++rounds; });
    }
  });
  for (int i = 0; i < 40; ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(7);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK_EQUAL(WEXITSTATUS(status), 7);
  }
  const int before = rounds;
  while (rounds == before) std::this_thread::yield();
  stop = true;
  worker.join();
}
