#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace nacre::bench {

/// The value below which `share` of `values` lie; 0 if there are none.
template <class Number>
Number quantile(std::vector<Number> values, double share) {
  if (values.empty())
    return Number{};
  const auto last = static_cast<double>(values.size() - 1);
  const auto i = static_cast<std::ptrdiff_t>(last * share + 0.5);
  std::nth_element(values.begin(), values.begin() + i, values.end());
  return values[static_cast<std::size_t>(i)];
}

/// The middle value, or the mean of the two in the middle.
inline double median(std::vector<double> values) {
  if (values.empty())
    return 0;
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

} // namespace nacre::bench
