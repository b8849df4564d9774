#include "config/load_options.hpp"

#include "config/command_line.hpp"
#include "config/ignored_keys.hpp"
#include "config/key_names.hpp"
#include "config/option_table.hpp"
#include "config/placeholders.hpp"
#include "config/properties.hpp"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include <unistd.h>

namespace nacre {

namespace {

constexpr std::string_view auth_key = "nacos.core.auth.enabled";
constexpr std::string_view auth_refusal =
  ": authentication is not available in this version, wanted false";

constexpr std::string_view lookup_key = "nacos.core.member.lookup.type";

/// One `key = value` of a file or of --set.
struct entry {
  std::string key;
  std::string canonical;
  std::string value;
  /// Where it is from, as errors name it.
  std::string source;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\f\r\n";
  const auto begin = std::min(text.find_first_not_of(blanks), text.size());
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

std::string read_text(const std::filesystem::path& file) {
  std::string text(properties_bytes_max + 1, '\0'); // one more: the parser refuses what is longer
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    throw config_error(file.string() + ": " + std::generic_category().message(errno)
                       + ", wanted a properties file");
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::vector<entry> read_file(const std::filesystem::path& file) {
  try {
    std::vector<entry> result;
    for (const auto& [key, value, line] : parse_properties(read_text(file)))
      result.push_back(
        {key, canonical_key(key), value, file.string() + ":" + std::to_string(line)});
    return result;
  } catch (const properties_error& error) {
    throw config_error(file.string() + (error.line ? ":" + std::to_string(error.line) : "") + ": "
                       + error.what());
  }
}

const std::map<std::string, const option_row*>& rows_by_key() {
  static const auto rows = [] {
    std::map<std::string, const option_row*> result;
    for (const auto& row : option_table())
      for (const auto& key : row.keys)
        result.emplace(canonical_key(key), &row);
    return result;
  }();
  return rows;
}

const option_row& row_of(std::string_view key) { return *rows_by_key().at(canonical_key(key)); }

/// Kubernetes and Docker name every service in the environment of every container. They would take
/// a service called `nacre` for options of ours, and one called `server` for our port.
bool is_link_url(std::string_view name, std::string_view value) {
  return name.ends_with("_PORT") && value.find("://") != value.npos;
}

bool is_service_link(std::string_view name, std::string_view value) {
  const auto port = name.find("_PORT_");
  const bool is_port = port != name.npos && name.find_first_of("0123456789", port) == port + 6;
  return is_link_url(name, value) || is_port || name.ends_with("_SERVICE_HOST")
         || name.find("_SERVICE_PORT") != name.npos;
}

class loader {
public:
  loader(const command_line& line, const environment& variables)
    : line_(line), variables_(variables) {
    for (const auto& [key, value] : line.settings)
      settings_.push_back({key, canonical_key(key), value, "command line option --set"});
  }

  loaded_options run() {
    if (const auto file = find_file(); !file.empty())
      properties_ = read_file(file);
    refuse_unknown(properties_);
    refuse_unknown_variables();
    refuse_unknown(settings_);
    refuse_tls();
    const auto& table = option_table();
    const auto each_row = [&](auto apply) {
      std::for_each(table.begin(), table.end(), [&](const auto& row) { (this->*apply)(row); });
    };
    each_row(&loader::apply_properties);
    each_row(&loader::apply_variables);
    each_row(&loader::apply_settings);
    each_row(&loader::apply_flag);
    if (values_.auth_enabled)
      throw config_error(auth_source_ + ": " + std::string(auth_key) + std::string(auth_refusal));
    validate(values_);
    return {std::move(values_), warnings(), {}, line_.task, line_.replace};
  }

private:
  /// The data folder may be given where it is needed to find the file, so these sources go first.
  std::filesystem::path find_file() {
    if (!line_.config_file.empty())
      return line_.config_file;
    if (const auto given = variable("NACRE_CONFIG"); given && !given->empty())
      return *given;
    const auto& row = row_of("nacre.data-dir");
    apply_variables(row);
    apply_settings(row);
    apply_flag(row);
    const auto folder = std::exchange(values_, {}).data_dir;
    for (const auto& place : {folder / "conf", std::filesystem::path("conf")}) {
      const auto file = place / "application.properties";
      std::error_code error;
      if (exists(file, error))
        return file;
      if (error) // not to be seen is another thing than not there
        throw config_error(file.string() + ": " + error.message() + ", wanted a properties file");
    }
    return {};
  }

  void refuse_unknown(const std::vector<entry>& entries) {
    for (const auto& [key, canonical, value, source] : entries) {
      if (rows_by_key().contains(canonical))
        continue;
      if (!is_ignored_key(key))
        throw config_error(source + ": unknown key " + in_quotes(key) + hint(key));
      ignored_.insert(key);
    }
  }

  /// Whoever asks for TLS must not be served without it. As in Spring, any `server.ssl.` key asks
  /// for it unless `server.ssl.enabled` says false.
  void refuse_tls() const {
    constexpr std::string_view family = "server.ssl.", enabled = "server.ssl.enabled";
    std::string asked;
    bool wanted = true;
    const auto look_at = [&](std::string_view key, std::string_view value,
                             const std::string& source) {
      const auto name = canonical_key(key);
      const bool is_switch = name == enabled;
      if (is_switch)
        wanted = canonical_key(trimmed(value)) != "false";
      if (wanted && (is_switch || (asked.empty() && name.starts_with(family))))
        asked = source + ": " + printable(key);
    };
    for (const auto& [key, canonical, value, source] : properties_)
      look_at(key, value, source);
    for (const auto& [name, value] : variables_)
      if (name.starts_with("SERVER_SSL_")) {
        auto key = name;
        std::replace(key.begin(), key.end(), '_', '.');
        look_at(key.starts_with("SERVER.SSL.ENABLED") ? std::string(enabled) : key, value,
                "environment variable " + name);
      }
    for (const auto& [key, canonical, value, source] : settings_)
      look_at(key, value, source);
    if (!asked.empty() && wanted)
      throw config_error(asked
                         + ": HTTP over TLS is not available in this version, and plain HTTP "
                           "in its place would be no secret; wanted server.ssl.enabled=false");
  }

  static std::string hint(std::string_view key) {
    std::vector<std::string> known;
    for (const auto& row : option_table())
      known.insert(known.end(), row.keys.begin(), row.keys.end());
    const auto text = suggestion(key, known);
    return text.empty() ? ", wanted a key that --help lists or one of Nacos" : text;
  }

  void refuse_unknown_variables() {
    std::vector<std::string> ours{"NACRE_CONFIG"};
    for (const auto& row : option_table())
      for (const auto& name : environment_names(row))
        ours.push_back(name);
    for (const auto& [name, value] : variables_) {
      if (std::find(ours.begin(), ours.end(), name) != ours.end())
        continue;
      if (is_ignored_variable(name))
        ignored_.insert(name);
      else if (name.starts_with("NACRE_") && !is_service_link(name, value))
        throw config_error("environment variable " + in_quotes(name) + " is unknown"
                           + suggestion(name, ours));
    }
  }

  void apply_properties(const option_row& row) { apply_entries(row, properties_); }
  void apply_settings(const option_row& row) { apply_entries(row, settings_); }

  void apply_entries(const option_row& row, const std::vector<entry>& entries) {
    for (auto key = row.keys.rbegin(); key != row.keys.rend(); ++key) {
      const auto wanted = canonical_key(*key);
      for (const auto& entry : entries)
        if (entry.canonical == wanted)
          apply(row, entry);
    }
  }

  void apply_variables(const option_row& row) {
    const auto names = environment_names(row);
    for (auto name = names.rbegin(); name != names.rend(); ++name)
      if (const auto value = variable(*name); value && (!value->empty() || row.empty_counts))
        assign(row, "environment variable " + *name, row.keys[0], *value, *value);
  }

  void apply_flag(const option_row& row) {
    if (const auto given = line_.flags.find(row.flag); given != line_.flags.end())
      assign(row, "command line option " + row.flag, row.keys[0], given->second, given->second);
  }

  void apply(const option_row& row, const entry& entry) {
    try {
      const auto look_up = [this](std::string_view name) { return find_placeholder(name); };
      // A bad value shows as it was written: what a placeholder stands for may be a secret.
      assign(row, entry.source, entry.key, resolve_placeholders(entry.value, look_up), entry.value);
    } catch (const placeholder_error& error) {
      throw config_error(entry.source + ": " + entry.key + ": " + error.what());
    }
  }

  void assign(const option_row& row, const std::string& source, const std::string& key,
              std::string_view value, std::string_view shown) {
    if (!row.set(values_, trimmed(value)))
      throw config_error(source + ": " + key + " = " + (row.secret ? "(hidden)" : in_quotes(shown))
                         + (shown == value ? "" : " with its placeholders replaced") + ", wanted "
                         + row.wanted);
    if (row.keys[0] == auth_key)
      auth_source_ = source;
    if (row.keys[0] == lookup_key)
      lookup_warning_ = values_.cluster.lookup.empty() && !value.empty()
                          ? source + ": " + key + " = " + in_quotes(shown)
                              + " is as good as not set, wanted " + row.wanted
                          : "";
  }

  std::optional<std::string_view> variable(std::string_view name) const {
    const auto found = variables_.find(name);
    if (found == variables_.end() || is_link_url(name, found->second))
      return std::nullopt;
    return found->second;
  }

  /// Spring's order: command line, environment, file.
  std::optional<placeholder_value> find_placeholder(std::string_view name) const {
    if (const auto* value = find_last(settings_, name))
      return placeholder_value{*value, true};
    for (const auto& spelled : {std::string(name), spaced_variable(name), compact_variable(name)})
      if (const auto value = variable(spelled))
        return placeholder_value{std::string(*value), false};
    if (const auto* value = find_last(properties_, name))
      return placeholder_value{*value, true};
    return std::nullopt;
  }

  static const std::string* find_last(const std::vector<entry>& entries, std::string_view name) {
    const auto found = std::find_if(
      entries.rbegin(), entries.rend(),
      [wanted = canonical_key(name)](const entry& x) { return x.canonical == wanted; });
    return found == entries.rend() ? nullptr : &found->value;
  }

  std::vector<std::string> warnings() const {
    std::vector<std::string> lines;
    if (!lookup_warning_.empty())
      lines.push_back(lookup_warning_);
    std::string names;
    for (const auto& name : ignored_)
      names += (names.empty() ? "" : ", ") + printable(name);
    if (!names.empty())
      lines.push_back("settings of Nacos that mean nothing here and are ignored: " + names);
    return lines;
  }

  const command_line& line_;
  const environment& variables_;
  std::vector<entry> properties_;
  std::vector<entry> settings_;
  std::set<std::string> ignored_;
  options values_;
  /// Who set `auth_enabled` last.
  std::string auth_source_;
  /// About the word that was set last, if nobody knows it.
  std::string lookup_warning_;
};

/// Whoever knows the identity may change what all nodes say, so there is none to begin with.
void check_identity(const cluster_options& cluster) {
  std::string missing;
  if (cluster.identity_key.empty())
    missing = "nacos.core.auth.server.identity.key (a header's name, e.g. x-nacre-node)";
  if (cluster.identity_value.size() < identity_chars_min)
    missing += std::string(missing.empty() ? "" : " and ")
               + "nacos.core.auth.server.identity.value (at least "
               + std::to_string(identity_chars_min)
               + " characters, e.g. what openssl rand -hex 24 prints)";
  if (!missing.empty())
    throw config_error("mode cluster wants the identity its nodes know each other by, the same on "
                       "all of them: set "
                       + missing);
}

/// Times of which one makes sense only if it is longer than the other.
void check_order(const cluster_options& cluster) {
  const struct {
    std::string_view shorter_key;
    milliseconds shorter;
    std::string_view longer_key;
    milliseconds longer;
  } pairs[] = {
    {"nacre.cluster.heartbeat-interval-ms", cluster.heartbeat_interval,
     "nacre.cluster.suspicious-after-ms", cluster.suspicious_after},
    {"nacre.cluster.suspicious-after-ms", cluster.suspicious_after, "nacre.cluster.down-after-ms",
     cluster.down_after},
    {"nacos.core.protocol.distro.data.verify.intervalMs", cluster.verify_interval,
     "nacos.naming.client.expired.time", cluster.silent_clients_after},
  };
  for (const auto& x : pairs)
    if (x.longer <= x.shorter)
      throw config_error(std::string(x.longer_key) + " = " + std::to_string(x.longer.count())
                         + ", wanted more than " + std::string(x.shorter_key) + " = "
                         + std::to_string(x.shorter.count()));
}

} // namespace

environment process_environment() {
  environment result;
  for (char** variable = environ; variable && *variable; ++variable) {
    const std::string_view text = *variable;
    if (const auto equals = text.find('='); equals != text.npos)
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

loaded_options load_options(int argc, const char* const* argv, const environment& variables) {
  const auto line = parse_command_line(argc, argv);
  if (line.help) {
    // Not inside of the braces below: g++ 12 destroys twice what it began there when this throws.
    auto text = line.help_topic.empty() ? help_text() : help_text(line.help_topic);
    return {{}, {}, std::move(text), {}, false};
  }
  if (line.version)
    return {{}, {}, "nacre " NACRE_VERSION "\n", {}, false};
  return loader(line, variables).run();
}

void validate(const options& values) {
  options copy;
  for (const auto& row : option_table())
    if (const auto text = row.get(values); !row.set(copy, text))
      throw config_error(row.keys[0] + " = " + (row.secret ? "(hidden)" : in_quotes(text))
                         + ", wanted " + row.wanted);
  if (values.auth_enabled)
    throw config_error(std::string(auth_key) + std::string(auth_refusal));
  if (values.mode == node_mode::cluster) {
    check_identity(values.cluster);
    check_order(values.cluster);
  }
}

} // namespace nacre
