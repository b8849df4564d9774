#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace nacre {

/// A command line taken apart; no value has been looked at yet.
struct command_line {
  bool help = false;
  bool version = false;
  /// --config; empty: not given.
  std::string config_file;
  /// Values of the flags of `option_table`, by flag.
  std::map<std::string, std::string> flags;
  /// --set, in order: key and value.
  std::vector<std::pair<std::string, std::string>> settings;
};

/// Throws `config_error` for an unknown option or one without its value; the message repeats no
/// value. With --help or --version anything else is overlooked.
command_line parse_command_line(int argc, const char* const* argv);

/// The answer to --help: every option with its default and its name in every source.
std::string help_text();

} // namespace nacre
