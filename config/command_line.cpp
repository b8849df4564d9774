#include "config/command_line.hpp"

#include "config/config_error.hpp"
#include "config/option_table.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace nacre {

namespace {

constexpr auto help_head = "nacre " NACRE_VERSION R"(, a service registry for clients of Nacos
usage: nacre [OPTION]...

Settings come from three sources, each winning over those before it: a properties file, the
environment, the command line.

  --config FILE
      The properties file; environment: NACRE_CONFIG.
      Default: <data-dir>/conf/application.properties or conf/application.properties, if there.
  --set KEY=VALUE
      Sets any property key of this list; may be repeated.
  --help, -h
      Shows this text.
  --version
      Shows the version.

Options of the command line, then property keys:

)";

constexpr auto help_tail = R"(
A key may be spelled with or without dashes and in any case. In the environment its dots are
underscores and its dashes underscores or nothing. Keys of Nacos that mean nothing here are accepted
with a warning.
)";

std::string joined(const std::vector<std::string>& words, std::size_t first = 0) {
  std::string result;
  for (auto i = first; i < words.size(); ++i)
    result += (i == first ? "" : ", ") + words[i];
  return result;
}

/// `text` as indented lines of help, broken between words.
std::string paragraph(std::string_view text) {
  constexpr std::size_t width = 90;
  std::string result;
  while (!text.empty()) {
    auto end = text.size() <= width ? text.npos : text.rfind(' ', width);
    end = std::min(end == text.npos ? text.find(' ', width) : end, text.size());
    result.append("      ").append(text.substr(0, end)).append("\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

std::string help_entry(const option_row& row) {
  const bool has_flag = !row.flag.empty();
  const auto preset = row.get(options{});
  auto result = "  " + (has_flag ? row.flag + " VALUE" : row.keys[0]) + "\n";
  result += paragraph(row.help);
  result += paragraph("Wanted: " + row.wanted +
                      ". Default: " + (preset.empty() ? "nothing" : preset) + ".");
  if (has_flag || row.keys.size() > 1)
    result += paragraph((has_flag ? "Property: " : "Also: ") + joined(row.keys, has_flag ? 0 : 1));
  return result + paragraph("Environment: " + joined(environment_names(row)));
}

/// `argument` is the first one nobody wanted. One that is no option may be a secret gone astray.
[[noreturn]] void refuse(const std::string& argument) {
  if (!argument.starts_with('-'))
    throw config_error("command line: a value stands without an option, see --help");
  std::vector<std::string> known{"--config", "--set", "--help", "--version"};
  for (const auto& row : option_table())
    if (!row.flag.empty())
      known.push_back(row.flag);
  const auto name = argument.substr(0, argument.find('='));
  const auto hint = suggestion(name, known);
  throw config_error("command line: unknown option " + in_quotes(name) +
                     (hint.empty() ? ", see --help" : hint));
}

[[noreturn]] void refuse_without_value(std::string_view option) {
  throw config_error("command line: " + std::string(option) + " wants a value, see --help");
}

void read_setting(command_line& result, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0)
    throw config_error("command line: --set wants KEY=VALUE");
  result.settings.emplace_back(text.substr(0, equals), text.substr(equals + 1));
}

} // namespace

command_line parse_command_line(int argc, const char* const* argv) {
  command_line result;
  std::vector<std::string> settings;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("--help,-h", result.help);
  app.add_flag("--version", result.version);
  app.add_option("--config", result.config_file)->take_last();
  app.add_option("--set", settings)->allow_extra_args(false);
  for (const auto& row : option_table())
    if (!row.flag.empty())
      app.add_option_function<std::string>(
             row.flag, [&](const std::string& value) { result.flags[row.flag] = value; })
          ->take_last();
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  std::reverse(arguments.begin(), arguments.end()); // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ArgumentMismatch& error) {
    const std::string_view text = error.what(); // begins with the name of the option
    refuse_without_value(text.substr(0, text.find(':')));
  } catch (const CLI::ParseError&) {
    throw config_error("command line: --help and --version have no value");
  }
  if (result.help || result.version)
    return result;
  // No right value begins so: CLI11 took the next option for the missing value of this one.
  if (result.config_file.starts_with("--"))
    refuse_without_value("--config");
  for (const auto& [flag, value] : result.flags)
    if (value.starts_with("--"))
      refuse_without_value(flag);
  if (const auto rest = app.remaining(); !rest.empty())
    refuse(rest.front());
  for (const auto& setting : settings)
    read_setting(result, setting);
  return result;
}

std::string help_text() {
  std::string result = help_head;
  for (const bool with_flag : {true, false})
    for (const auto& row : option_table())
      if (row.flag.empty() != with_flag)
        result += help_entry(row);
  return result + help_tail;
}

} // namespace nacre
