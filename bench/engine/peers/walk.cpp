// walk HISTORY counts|full early|whole PATHS STEPS: the C++ peer. Each line of standard input asks for a run, which answers
// with its seconds; the end of input asks for what came of the last one. bench/README.md says what a run computes.
//
// Scalar xoshiro128++, Lemire's multiply-shift without rejection, log-equity × 2²⁴ in 32 bits. FULL keeps the bins of a block
// of paths in a buffer, a row a day, and then counts one day at a time, so that the histogram stays in L1. With early
// exit a path that ended is counted once, and a running sum over the days carries it on.
#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

using std::int32_t, std::int64_t, std::uint16_t, std::uint32_t, std::uint64_t;

constexpr double one = 16'777'216.0;
constexpr int fan_bins = 2'048, final_bins = 16'384, drawdown_bins = 4'096, block = 256;

struct Course {
  double start = 0;
  int32_t floor = 0, target = 0;
  bool has_daily_loss = false;
  // A row's step, and the state from which on it loses too much for one day.
  std::vector<int32_t> move, too_much_from;
  int32_t low = 0;
  int fan_shift = 0, final_shift = 0;
};

Course read(const char *file, int steps) {
  Course course;
  double floor = 0, target = 0, daily_loss = 0, value = 0, sum = 0, squares = 0;
  std::vector<double> returns;
  std::ifstream in(file);
  for (std::string name; in >> name >> value;) {
    if (name == "start") course.start = value;
    if (name == "floor") floor = value;
    if (name == "target") target = value;
    if (name == "daily_loss") daily_loss = value;
    if (name == "return") returns.push_back(value);
  }
  course.floor = std::lround(std::log1p(-floor) * one);
  course.target = std::lround(std::log1p(target) * one);
  course.has_daily_loss = daily_loss > 0;
  double least = 0, most = 0;
  for (double r : returns) {
    const double step = std::log1p(r) * one;
    course.move.push_back(std::lround(step));
    const bool can = daily_loss > 0 && r < 0;
    course.too_much_from.push_back(can ? std::lround(std::log(daily_loss / -r) * one) : std::numeric_limits<int32_t>::max());
    sum += step, squares += step * step;
    least = std::min(least, step), most = std::max(most, step);
  }
  // Eight deviations to either side: nothing falls outside.
  const double n = returns.size(), mean = sum / n;
  const double reach = 8 * std::sqrt((squares / n - mean * mean) * steps);
  const int64_t low = std::min(mean * steps - reach, least), high = std::max(mean * steps + reach, most);
  course.low = low;
  while ((high - low) >> course.fan_shift >= fan_bins) ++course.fan_shift;
  while ((high - low) >> course.final_shift >= final_bins) ++course.final_shift;
  return course;
}

struct Stream {
  std::array<uint32_t, 4> s;
  Stream(uint64_t seed, uint64_t path) {
    uint64_t z = seed + 2 * path * 0x9E3779B97F4A7C15;
    for (int i = 0; i < 4; i += 2) {
      z += 0x9E3779B97F4A7C15;
      uint64_t y = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
      y = (y ^ (y >> 27)) * 0x94D049BB133111EB;
      y ^= y >> 31;
      s[i] = y, s[i + 1] = y >> 32;
    }
  }
  uint32_t below(uint32_t range) {
    const uint32_t out = std::rotl(s[0] + s[3], 7) + s[0], t = s[1] << 9;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= t, s[3] = std::rotl(s[3], 11);
    return uint64_t(out) * range >> 32;
  }
};

struct Tally {
  uint64_t breaches = 0, passes = 0;
  double sum = 0, squares = 0;
  std::vector<uint32_t> breach_day, pass_day, final_state, drawdown, fan, ended;
  explicit Tally(int steps, bool full)
      : breach_day(steps), pass_day(steps), final_state(final_bins), drawdown(drawdown_bins),
        fan(full ? size_t(steps) * fan_bins : 0), ended(fan.size()) {}
};

enum class End { none, breach, pass };

template <bool full, bool early, bool daily> void walk(const Course &course, int64_t paths, int steps, Tally &tally) {
  const uint32_t rows = course.move.size();
  std::vector<uint16_t> seen(full ? size_t(steps) * block : 0);
  // How many paths of the block have come to each day.
  std::vector<uint32_t> here(full ? steps : 0);
  for (int64_t first = 0; first < paths; first += block) {
    for (int64_t path = first; path < std::min(first + block, paths); ++path) {
      Stream stream(7, path);
      int32_t x = 0, peak = 0, depth = 0;
      End end = End::none;
      int ended_on = steps - 1;
      for (int day = 0; day < steps; ++day) {
        const uint32_t row = stream.below(rows);
        if (early || end == End::none) {
          const bool too_much = daily && x >= course.too_much_from[row];
          x += course.move[row];
          peak = std::max(peak, x), depth = std::max(depth, peak - x);
          if (x <= course.floor || too_much) end = End::breach, ended_on = day;
          else if (x >= course.target) end = End::pass, ended_on = day;
        }
        if (early && end != End::none) break;
        if (full) seen[size_t(day) * block + here[day]++] = (x - course.low) >> course.fan_shift;
      }
      if (full && early && end != End::none)
        ++tally.ended[size_t(ended_on) * fan_bins + ((x - course.low) >> course.fan_shift)];
      if (end == End::breach) ++tally.breaches, ++tally.breach_day[ended_on];
      if (end == End::pass) ++tally.passes, ++tally.pass_day[ended_on];
      ++tally.final_state[(x - course.low) >> course.final_shift];
      ++tally.drawdown[std::min(depth >> 10, drawdown_bins - 1)];
      const double balance = course.start * std::exp(x / one);
      tally.sum += balance, tally.squares += balance * balance;
    }
    for (int day = 0; full && day < steps; ++day) {
      uint32_t *counts = &tally.fan[size_t(day) * fan_bins];
      const uint16_t *bins = &seen[size_t(day) * block];
      for (uint32_t index = 0; index < here[day]; ++index) ++counts[bins[index]];
      here[day] = 0;
    }
  }
  if (full && early) {
    std::vector<uint32_t> standing(fan_bins);
    for (int day = 0; day < steps; ++day)
      for (int bin = 0; bin < fan_bins; ++bin) {
        standing[bin] += tally.ended[size_t(day) * fan_bins + bin];
        tally.fan[size_t(day) * fan_bins + bin] += standing[bin];
      }
  }
}

template <bool full, bool early> void walk(const Course &course, int64_t paths, int steps, Tally &tally) {
  if (course.has_daily_loss) walk<full, early, true>(course, paths, steps, tally);
  else walk<full, early, false>(course, paths, steps, tally);
}

// The dollars below which `rank` paths lie on `day`.
double balance_at(const Course &course, const Tally &tally, int day, double rank) {
  double below = 0;
  for (int bin = 0; bin < fan_bins; ++bin) {
    below += tally.fan[size_t(day) * fan_bins + bin];
    if (below >= rank) return course.start * std::exp((course.low + (bin + 0.5) * (1 << course.fan_shift)) / one);
  }
  return NAN;
}

int main(int, char **arguments) {
  const std::string mode = arguments[2], exits = arguments[3];
  const int64_t paths = std::stoll(arguments[4]);
  const int steps = std::stoi(arguments[5]);
  const Course course = read(arguments[1], steps);
  const bool full = mode == "full", early = exits == "early";
  Tally tally(0, false);
  for (std::string line; std::getline(std::cin, line);) {
    const auto began = std::chrono::steady_clock::now();
    tally = Tally(steps, full);
    if (full && early) walk<true, true>(course, paths, steps, tally);
    if (full && !early) walk<true, false>(course, paths, steps, tally);
    if (!full && early) walk<false, true>(course, paths, steps, tally);
    if (!full && !early) walk<false, false>(course, paths, steps, tally);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%.6f\n", took.count());
    std::fflush(stdout);
  }
  const double mean = tally.sum / paths, deviation = std::sqrt(tally.squares / paths - mean * mean);
  std::printf("{\"breach\": %.9f, \"pass\": %.9f, \"mean\": %.6f, \"deviation\": %.6f, ", double(tally.breaches) / paths,
              double(tally.passes) / paths, mean, deviation);
  // Where the median of half the way may lie in another sample: four errors of a difference of two to either side.
  const double off = full ? 2 * std::sqrt(2.0 * paths) : 0;
  const auto middle = [&](double sign) { return full ? balance_at(course, tally, steps / 2 - 1, paths / 2.0 + sign * off) : 0; };
  std::printf("\"middle\": %.3f, \"middleLow\": %.3f, \"middleHigh\": %.3f}\n", middle(0), middle(-1), middle(1));
}
