#pragma once

#include "config/options.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace nacre {

/// One option: its names in every source, what it means, and how its text is read.
struct option_row {
  /// What it is about: help shows together what has this in common.
  std::string subject = {};
  /// Property keys; the first is the one shown, and where several are given an earlier one wins.
  std::vector<std::string> keys;
  /// Names in the environment besides the relaxed spellings of `keys`; an earlier one wins.
  std::vector<std::string> variables = {};
  /// Command line option; empty: `--set` only.
  std::string flag = {};
  std::string help = {};
  /// What a right value looks like, fit to follow "wanted".
  std::string wanted = {};
  /// Values are never shown.
  bool secret = false;
  /// Whether an empty environment variable is a value; else it is as good as none.
  bool empty_counts = false;
  /// Reads a text into the option; false: it is not a right one, and nothing was changed.
  std::function<bool(options&, std::string_view)> set = {};
  /// The option as a text that `set` reads.
  std::function<std::string(const options&)> get = {};
};

/// All options, in the order help shows them. Read-only; any thread may call.
const std::vector<option_row>& option_table();

/// Every environment variable of an option; where several are set an earlier one wins.
std::vector<std::string> environment_names(const option_row& row);

} // namespace nacre
