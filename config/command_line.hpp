#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacre {

/// A command line taken apart; no value has been looked at yet.
struct command_line {
  bool help = false;
  /// What --help is asked about; empty: everything.
  std::string help_topic;
  bool version = false;
  /// --config; empty: not given.
  std::string config_file;
  /// Values of the flags of `option_table`, by flag.
  std::map<std::string, std::string> flags;
  /// Other than serving: `backup FILE`, `restore FILE` or `store check DIR`; empty: serve.
  std::vector<std::string> task;
  /// --replace, for `restore`.
  bool replace = false;
  /// --set, in order: key and value.
  std::vector<std::pair<std::string, std::string>> settings;
};

/// Throws `config_error` for an unknown option or one without its value; the message repeats no
/// value. With --help or --version anything else is overlooked.
command_line parse_command_line(int argc, const char* const* argv);

/// The answer to --help: every key in a line of its own, by subject.
std::string help_text();

/// All about the keys that are, or begin with, `topic`, a key, variable or option: meaning,
/// default, names in every source. Throws `config_error` if there is none.
std::string help_text(std::string_view topic);

} // namespace nacre
