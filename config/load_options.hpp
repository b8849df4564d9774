#pragma once

#include "config/config_error.hpp"
#include "config/options.hpp"

#include <functional>
#include <map>
#include <string>
#include <vector>

/// From application.properties, environment and command line to `options`. All of it runs at
/// start, on one thread; only `load_options` reads a file and nothing writes one.
namespace nacre {

/// Variables by name.
using environment = std::map<std::string, std::string, std::less<>>;

/// The environment of this process, as it is at the call.
environment process_environment();

struct loaded_options {
  /// Has passed `validate`.
  options values;
  /// Lines for the log; the start goes on. Name keys, never values.
  std::vector<std::string> warnings;
  /// Not empty: --help or --version was given and this is the answer. Nothing was loaded; print it
  /// and end with success.
  std::string answer;
  /// Not empty: what to do instead of serving, as `command_line` says it.
  std::vector<std::string> task;
  bool replace = false;
};

/// Fills the options from three sources, each winning over those before it: application.properties
/// (--config or `NACRE_CONFIG`, else `<data-dir>/conf/`, else `conf/`, where there is one), the
/// environment, and the command line, where an option of its own wins over --set. Throws
/// `config_error` for an unknown key or option, a bad value, a file that cannot be read, and for
/// what `validate` refuses.
loaded_options load_options(int argc, const char* const* argv, const environment& variables);

/// Throws `config_error` unless every value is one its key accepts, and this version can do what
/// the options ask for. Cluster mode passes if nodes can know each other; who they are is looked up
/// later (`http/member_lookup.hpp`).
void validate(const options& values);

} // namespace nacre
