#include "config/command_line.hpp"

#include "config/config_error.hpp"
#include "config/key_names.hpp"
#include "config/option_table.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace nacre {

namespace {

constexpr auto help_head = "nacre " NACRE_VERSION R"(, a service registry for clients of Nacos
usage: nacre [OPTION]...
       nacre backup FILE [OPTION]...       a copy of the store, of a running node or a stopped one
       nacre restore FILE [--replace] ...  a store made of such a copy, for a node that is stopped
       nacre store check DIR               whether the store in that data folder is sound

  --config FILE      The properties file; environment: NACRE_CONFIG. Default:
                     <data-dir>/conf/application.properties, conf/application.properties.
  --set KEY=VALUE    Sets any key below; may be repeated.
  --help [KEY]       This text, or all about one key or the keys that begin so.
  --version          The version.

Settings come from three sources, each winning over those before it: the file, the environment
(dots are underscores), the command line. Keys of Nacos that mean nothing here are accepted with
a warning.
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

/// All about one option.
std::string help_entry(const option_row& row) {
  const bool has_flag = !row.flag.empty();
  const auto preset = row.get(options{});
  auto result = "  " + (has_flag ? row.flag + " VALUE" : row.keys[0]) + "\n";
  result += paragraph(row.help);
  result += paragraph("Wanted: " + row.wanted
                      + ". Default: " + (preset.empty() ? "nothing" : preset) + ".");
  if (has_flag || row.keys.size() > 1)
    result += paragraph((has_flag ? "Property: " : "Also: ") + joined(row.keys, has_flag ? 0 : 1));
  return result + paragraph("Environment: " + joined(environment_names(row)));
}

/// The first sentence of a help, or what of it fits.
std::string gist(std::string_view help, std::size_t size_max) {
  constexpr std::string_view rest = "...";
  const auto end = std::min(help.find("; "), std::min(help.find(": "), help.find('.')));
  help = help.substr(0, end);
  if (help.size() <= size_max)
    return std::string(help);
  return std::string(help.substr(0, help.rfind(' ', size_max - rest.size()))).append(rest);
}

/// One line: its name, its option if it has one, its default, and what it is if there is room.
std::string help_line(const option_row& row) {
  constexpr std::size_t width = 100;
  const auto preset = row.get(options{});
  auto result = "  " + row.keys[0];
  if (!row.flag.empty())
    result += " (" + row.flag + ")";
  if (!preset.empty())
    result += " = " + preset;
  const auto column = std::max<std::size_t>(result.size() + 2, 50);
  if (column < width - 15)
    result.append(column - result.size(), ' ').append(gist(row.help, width - column));
  return result + "\n";
}

bool is_about(const option_row& row, std::string_view topic) {
  const auto wanted = canonical_key(topic);
  const auto begins_so = [&](const std::string& name) {
    return canonical_key(name).starts_with(wanted);
  };
  const auto names = environment_names(row);
  return row.flag == topic || std::any_of(row.keys.begin(), row.keys.end(), begins_so)
         || std::find(names.begin(), names.end(), topic) != names.end();
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
  throw config_error("command line: unknown option " + in_quotes(name)
                     + (hint.empty() ? ", see --help" : hint));
}

[[noreturn]] void refuse_without_value(std::string_view option) {
  throw config_error("command line: " + std::string(option) + " wants a value, see --help");
}

/// Whether these words say what to do instead of serving. @throws config_error if half of it
bool is_task(const std::vector<std::string>& words) {
  if (words.empty())
    return false;
  const auto& verb = words.front();
  if ((verb == "backup" || verb == "restore") && words.size() != 2)
    throw config_error("command line: " + verb + " wants one FILE");
  if (verb == "store" && (words.size() != 3 || words[1] != "check"))
    throw config_error("command line: store check wants one DIR");
  return verb == "backup" || verb == "restore" || verb == "store";
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
  app.add_flag("--replace", result.replace);
  app.add_option("--config", result.config_file)->take_last();
  app.add_option("--set", settings)->allow_extra_args(false);
  for (const auto& row : option_table())
    if (!row.flag.empty())
      app
        .add_option_function<std::string>(
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
    throw config_error("command line: --help, --version and --replace have no value");
  }
  const auto rest = app.remaining();
  if (result.help && rest.size() == 1 && !rest.front().starts_with("-"))
    result.help_topic = rest.front();
  if (result.help || result.version)
    return result;
  // No right value begins so: CLI11 took the next option for the missing value of this one.
  if (result.config_file.starts_with("--"))
    refuse_without_value("--config");
  for (const auto& [flag, value] : result.flags)
    if (value.starts_with("--"))
      refuse_without_value(flag);
  if (is_task(rest))
    result.task = rest;
  else if (!rest.empty())
    refuse(rest.front());
  if (result.replace && (rest.empty() || rest.front() != "restore"))
    throw config_error("command line: --replace goes with restore FILE");
  for (const auto& setting : settings)
    read_setting(result, setting);
  return result;
}

std::string help_text() {
  std::string result = help_head;
  std::string_view subject;
  for (const auto& row : option_table()) {
    if (row.subject != subject)
      result += "\n" + row.subject + "\n";
    subject = row.subject;
    result += help_line(row);
  }
  return result;
}

std::string help_text(std::string_view topic) {
  std::string result;
  std::vector<std::string> known;
  for (const auto& row : option_table()) {
    known.insert(known.end(), row.keys.begin(), row.keys.end());
    if (is_about(row, topic))
      result += help_entry(row);
  }
  if (result.empty())
    throw config_error("command line: --help knows no key " + in_quotes(topic)
                       + suggestion(topic, known));
  return result;
}

} // namespace nacre
