#include "config/ignored_keys.hpp"
#include "config/key_names.hpp"
#include "config/load_options.hpp"
#include "config/option_table.hpp"
#include "config/placeholders.hpp"
#include "config/properties.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace nacre;

namespace {

using words = std::vector<std::string>;

loaded_options load(const words& arguments, const environment& variables = {}) {
  std::vector<const char*> argv{"nacre"};
  for (const auto& argument : arguments)
    argv.push_back(argument.c_str());
  return load_options(static_cast<int>(argv.size()), argv.data(), variables);
}

/// The error line of what has to fail.
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::exception& error) {
    const std::string line = error.what();
    CHECK_MESSAGE(line.find('\n') == line.npos, "an error is one line: " << line);
    return line;
  }
  return "no error";
}

std::string load_error(const words& arguments, const environment& variables = {}) {
  return error_of([&] { load(arguments, variables); });
}

/// A working folder of its own for the test, so that no file of the real one is found.
struct in_folder {
  std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::path folder =
    std::filesystem::temp_directory_path() / ("nacre-config-test-" + std::to_string(::getpid()));
  in_folder() {
    std::filesystem::create_directories(folder);
    std::filesystem::current_path(folder);
  }
  ~in_folder() {
    std::filesystem::current_path(before);
    std::filesystem::remove_all(folder);
  }
  void write(const std::filesystem::path& file, std::string_view text) const {
    if (file.has_parent_path())
      std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }
  loaded_options load_text(std::string_view text, const environment& variables = {},
                           words arguments = {}) const {
    write("a.properties", text);
    arguments.insert(arguments.end(), {"--config", "a.properties"});
    return load(arguments, variables);
  }
  std::string text_error(std::string_view text, const environment& variables = {}) const {
    return error_of([&] { load_text(text, variables); });
  }
};

/// A right value that is not the default, for every option.
const std::map<std::string, std::string> samples = {
  {"nacos.standalone", "false"},
  {"nacre.mode", "cluster"},
  {"nacre.data-dir", "/var/lib/nacre"},
  {"nacos.server.ip", "fe80::1%eth0"},
  {"nacos.member.list", "10.0.0.1:8848,node-2,[::1]:8850?raft_port=8807"},
  {"nacre.log-level", "warn"},
  {"nacre.health.denied-networks", "10.0.0.0/8, fd00::/8"},
  {"nacre.health.allowed-networks", "10.7.0.0/16"},
  {"nacre.health.resolve-names", "true"},
  {"nacre.health.probes-max", "100"},
  {"nacre.health.suspicious-percent", "90"},
  {"nacre.actor-threads", "3"},
  {"nacos.core.snowflake.worker-id", "77"},
  {"nacre.client-shards", "5"},
  {"nacre.http.address", "127.0.0.1"},
  {"server.port", "64000"},
  {"server.servlet.contextPath", "/a/b-c"},
  {"nacre.http.io-threads", "2"},
  {"nacre.http.connections-max", "17"},
  {"nacre.http.header-bytes-max", "4096"},
  {"nacre.http.body-bytes-max", "1"},
  {"nacre.http.read-timeout-ms", "1500"},
  {"nacre.http.write-timeout-ms", "2500"},
  {"nacos.naming.expireInstance", "false"},
  {"nacre.liveness.subscriber-timeout-ms", "31000"},
  {"nacos.naming.push.pushTaskDelay", "0"},
  {"nacre.push.warm-up-ms", "0"},
  {"nacre.push.udp-ack-timeout-ms", "9000"},
  {"nacre.push.udp-retransmits", "0"},
  {"nacre.push.udp-unproved-interval-ms", "7"},
  {"nacre.push.udp-unproved-max", "7"},
  {"nacre.push.udp-unproved-bytes-max", "700"},
  {"nacre.push.udp-caller-only", "true"},
  {"nacre.push.udp-pending-max", "12"},
  {"nacre.grpc.connections-max", "100"},
  {"nacre.grpc.connections-per-ip-max", "10"},
  {"nacre.grpc.detect-after-ms", "21000"},
  {"nacre.grpc.detect-timeout-ms", "5001"},
  {"nacos.naming.push.pushTaskTimeout", "5002"},
  {"nacos.naming.push.pushTaskRetryDelay", "1001"},
  {"nacre.grpc.setup-patience-ms", "400"},
  {"nacos.remote.server.grpc.sdk.max-inbound-message-size", "4194304"},
  {"nacos.remote.server.grpc.sdk.keep-alive-time", "7000000"},
  {"nacos.remote.server.grpc.sdk.keep-alive-timeout", "21000"},
  {"nacos.remote.server.rpc.tls.enableTls", "true"},
  {"nacos.remote.server.rpc.tls.compatibility", "true"},
  {"nacos.remote.server.rpc.tls.mutualAuthEnable", "true"},
  {"nacos.remote.server.rpc.tls.certChainFile", "/etc/nacre/cert.pem"},
  {"nacos.remote.server.rpc.tls.certPrivateKey", "/etc/nacre/key.pem"},
  {"nacos.remote.server.rpc.tls.trustCollectionCertFile", "/etc/nacre/trust.pem"},
  {"nacos.naming.clean.empty-service.expired-time", "0"},
  {"nacos.naming.clean.expired-metadata.interval", "5001"},
  {"nacos.naming.clean.expired-metadata.expired-time", "62000"},
  {"nacos.naming.service.metadata.length", "2048"},
  {"nacre.limits.query-clusters", "7"},
  {"nacre.http.connections-per-address-max", "77"},
  {"nacre.limits.memory-bytes", "1000000"},
  {"nacre.limits.answer-bytes", "777777"},
  {"nacre.limits.answer-bytes-per-address", "77777"},
  {"nacre.limits.answer-bytes-per-connection", "77777"},
  {"nacre.limits.body-bytes", "7777777"},
  {"nacre.limits.stored-bytes-per-service", "7777"},
  {"nacre.limits.stored-bytes", "77777"},
  {"nacre.limits.services", "4"},
  {"nacre.limits.instances", "5"},
  {"nacre.limits.namespaces", "6"},
  {"nacos.core.param.check.enabled", "false"},
  {"nacos.core.auth.enabled", "true"},
  {"nacos.core.auth.server.identity.key", "x-node"},
  {"nacos.core.auth.server.identity.value", "secret 1"},
  {"nacos.core.member.lookup.type", "address-server"},
  {"nacre.cluster.file", "/etc/nacre/cluster.conf"},
  {"address.server.domain", "nodes.example.org"},
  {"address.server.port", "80"},
  {"address.server.url", "/nodes?of=a"},
  {"nacre.cluster.heartbeat-interval-ms", "500"},
  {"nacre.cluster.suspicious-after-ms", "2000"},
  {"nacre.cluster.down-after-ms", "8000"},
  {"nacre.cluster.dead-clients-after-ms", "16000"},
  {"nacos.naming.client.expired.time", "120000"},
  {"nacre.cluster.tombstone-term-ms", "300000"},
  {"nacos.core.protocol.distro.data.sync.delayMs", "0"},
  {"nacos.core.protocol.distro.data.sync.timeoutMs", "3001"},
  {"nacre.cluster.sync-tasks-max", "1000"},
  {"nacos.core.protocol.distro.data.verify.intervalMs", "5001"},
  {"nacre.cluster.load-patience-ms", "0"},
  {"nacos.core.protocol.distro.data.load.timeoutMs", "3002"},
  {"nacre.cluster.chunk-bytes-max", "65536"},
  {"nacos.remote.peer.rpc.tls.enableTls", "true"},
  {"nacos.remote.peer.rpc.tls.compatibility", "true"},
  {"nacos.remote.peer.rpc.tls.mutualAuthEnable", "true"},
  {"nacos.remote.peer.rpc.tls.certChainFile", "/etc/nacre/peer.pem"},
  {"nacos.remote.peer.rpc.tls.certPrivateKey", "/etc/nacre/peer-key.pem"},
  {"nacos.remote.peer.rpc.tls.trustCollectionCertFile", "/etc/nacre/peer-trust.pem"},
};

bool loadable(const option_row& row) { return row.keys[0] != "nacos.core.auth.enabled"; }

/// What a cluster needs besides its mode. Without effect on any other option.
const environment identity{{"NACOS_AUTH_IDENTITY_KEY", "x-node"},
                           {"NACOS_AUTH_IDENTITY_VALUE", "0123456789abcdef"}};

} // namespace

TEST_CASE("a properties text is read as java.util.Properties reads it") {
  const struct {
    std::string_view text, key, value;
    std::size_t line = 1;
  } cases[] = {
    {"a=b", "a", "b"},
    {"a:b", "a", "b"},
    {"a b", "a", "b"},
    {"a", "a", ""},
    {"a=", "a", ""},
    {"=b", "", "b"},
    {" \t\f a \t= \f b ", "a", "b "},
    {"a==b", "a", "=b"},
    {"a = : b", "a", ": b"},
    {"a b=c", "a", "b=c"},
    {"a\\=b\\:c\\ d=e", "a=b:c d", "e"},
    {"\\#a=b", "#a", "b"},
    {"a=b#c", "a", "b#c"},
    {"# x\r\n\r\n ! y\n  \t\na=b\r\n", "a", "b", 5},
    {"# not continued \\\na=b", "a", "b", 2},
    {"#x\ra=b\r", "a", "b", 2},
    {"a=b\\\n   c", "a", "bc"},
    {"a=b\\\r\n\tc\\\rd\n", "a", "bcd"},
    {"a=b\\\n#c", "a", "b#c"},
    {"a=b\\\\", "a", "b\\"},
    {"a=b\\\\\\\nc", "a", "b\\c"},
    {"a=b\\\n", "a", "b"},
    {"a=b\\", "a", "b"},
    {"a\\\n  =b", "a", "b"},
    {"\\\n\na=b", "a", "b", 3},
    {"a=\\t\\n\\r\\f\\\\\\z\\\"", "a", "\t\n\r\f\\z\""},
    {"a=\\u0041\\u00e4\\u4E2D", "a", "A\xC3\xA4\xE4\xB8\xAD"},
    {"a=\\ud83d\\uDE00", "a", "\xF0\x9F\x98\x80"},
    {"\\u0061=b", "a", "b"},
    {"\xEF\xBB\xBF"
     "a=\xE4\xB8\xAD",
     "a", "\xE4\xB8\xAD"},
    {"a=${b:c}", "a", "${b:c}"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto read = parse_properties(c.text);
    REQUIRE(read.size() == 1);
    CHECK(read[0].key == c.key);
    CHECK(read[0].value == c.value);
    CHECK(read[0].line == c.line);
  }
  for (const auto empty : {"", "\n", "# a=b", " ", "\\", "\\\n", "\xEF\xBB\xBF"})
    CHECK(parse_properties(empty).empty());
}

TEST_CASE("properties keep their order, repetitions and lines") {
  const auto read = parse_properties("a=1\nb=2\\\n 3\n\na=4");
  REQUIRE(read.size() == 3);
  CHECK(read[1].value == "23");
  CHECK(read[2].key == "a");
  CHECK(read[2].line == 5);
}

TEST_CASE("a malformed properties text is refused with its line") {
  const auto wanted_digits = "malformed \\u escape, wanted \\u and four hexadecimal digits";
  const auto wanted_halves = "half of a surrogate pair in a \\u escape, wanted both halves";
  const std::pair<std::string, std::string> cases[] = {
    {"a=\\u", wanted_digits},          {"a=\\u12", wanted_digits},
    {"a=\\u12g4", wanted_digits},      {"a=\\u-123", wanted_digits},
    {"a=\\uu0041", wanted_digits},     {"\\u00=b", wanted_digits},
    {"a=\\ud83d", wanted_halves},      {"a=\\ude00\\ud83d", wanted_halves},
    {"a=\\ud83dx", wanted_halves},     {"a=\\ud83d\\u0041", wanted_halves},
    {"a=\\ud83d\\u00", wanted_digits},
  };
  for (const auto& c : cases) {
    const auto text = "x=y\n" + c.first;
    CAPTURE(text);
    CHECK(error_of([&] { parse_properties(text); }) == c.second);
    try {
      parse_properties(text);
    } catch (const properties_error& error) {
      CHECK(error.line == 2);
    }
  }
}

TEST_CASE("a properties text over 1 MiB is refused, one of 1 MiB is read") {
  const std::string text(properties_bytes_max, 'a');
  CHECK(parse_properties(text).size() == 1);
  CHECK(error_of([&] { parse_properties(text + "a"); }) == "longer than 1048576 bytes");
}

TEST_CASE("placeholders stand for what they name, or for their default") {
  const std::map<std::string, std::string, std::less<>> known = {
    {"a", "1"}, {"b", "${a}2"}, {"a2", "x"}, {"e", ""}, {"open", "${a"}, {"self", "${self}"}};
  const placeholder_lookup lookup = [&](auto name) -> std::optional<placeholder_value> {
    const auto found = known.find(name);
    if (found == known.end())
      return std::nullopt;
    return placeholder_value{found->second, found->first != "open"};
  };
  const std::pair<std::string, std::string> cases[] = {
    {"", ""},
    {"no $ {placeholder}", "no $ {placeholder}"},
    {"${a}", "1"},
    {"<${a}|${b}>", "<1|12>"},
    {"${none:}", ""},
    {"${none:d}", "d"},
    {"${none:http://h:1/}", "http://h:1/"},
    {"${none:${b}}", "12"},
    {"${none:${nothing:{0}}}", "{0}"},
    {"${a:${never looked up}}", "1"},
    {"${a${none:2}}", "x"},
    {"${e:d}", ""},
    {"${open}", "${a"},
    {"${a", "${a"},
    {"${none:${a}", "${none:${a}"},
    {"}${a}", "}1"},
  };
  for (const auto& c : cases)
    CHECK_MESSAGE(resolve_placeholders(c.first, lookup) == c.second, c.first);
  CHECK(error_of([&] { resolve_placeholders("${none}", lookup); })
        == "nothing is named 'none', wanted it in the environment, or a default as in "
           "${NAME:default}");
  CHECK(error_of([&] { resolve_placeholders("${self}", lookup); })
        == "placeholders nest too deeply or lead back to themselves");
}

TEST_CASE("placeholders that multiply each other meet a bound") {
  const placeholder_lookup doubling = [](auto name) {
    const auto next = "${" + std::string(name) + "x}";
    return std::optional(placeholder_value{name.size() < 12 ? next + next : "1234567890", true});
  };
  CHECK(error_of([&] { resolve_placeholders("${x}", doubling); })
        == "placeholders make the value too long");
}

TEST_CASE("every option has a sample that is read and shown again") {
  for (const auto& row : option_table()) {
    CAPTURE(row.keys[0]);
    REQUIRE(samples.count(row.keys[0]) == 1);
    const auto& sample = samples.at(row.keys[0]);
    options values;
    CHECK(row.get(values) != sample);
    CHECK(row.set(values, row.get(values)));
    CHECK(row.set(values, sample));
    CHECK(row.get(values) == sample);
    CHECK(!row.set(values, "a\nb"));
    CHECK(row.get(values) == sample);
    CHECK(!row.help.empty());
    CHECK(!row.wanted.empty());
  }
  CHECK(samples.size() == option_table().size());
}

TEST_CASE_FIXTURE(in_folder, "every option is read from every source, by each of its names") {
  for (const auto& row : option_table()) {
    if (!loadable(row))
      continue;
    const auto& sample = samples.at(row.keys[0]);
    const auto check = [&](const loaded_options& loaded) {
      CHECK(row.get(loaded.values) == sample);
      CHECK(loaded.warnings.empty());
    };
    const bool is_mode = row.keys[0] == "nacos.standalone" || row.keys[0] == "nacre.mode";
    const auto others = is_mode ? identity : environment{};
    for (const auto& key : row.keys) {
      CAPTURE(key);
      check(load_text(key + "=" + sample, others));
      check(load_text(canonical_key(key) + " : " + sample + "  ", others));
      check(load({"--set", key + "=" + sample}, others));
    }
    for (const auto& name : environment_names(row)) {
      auto variables = others;
      variables[name] = sample;
      check(load({}, variables));
    }
    if (!row.flag.empty())
      check(load({row.flag, sample}, others));
  }
}

TEST_CASE("no two options share a name, and none is ignored") {
  std::vector<std::string> names;
  for (const auto& row : option_table()) {
    for (const auto& key : row.keys) {
      names.push_back(canonical_key(key));
      CHECK(!is_ignored_key(key));
    }
    for (const auto& name : environment_names(row)) {
      names.push_back(name);
      CHECK(!is_ignored_variable(name));
    }
  }
  std::sort(names.begin(), names.end());
  CHECK(std::adjacent_find(names.begin(), names.end()) == names.end());
}

TEST_CASE_FIXTURE(in_folder, "the environment wins over the file, the command line over both") {
  const auto text = "server.port=1001";
  const environment variables{{"NACOS_APPLICATION_PORT", "1002"}};
  CHECK(load({}).values.http.port == 8848);
  CHECK(load_text(text).values.http.port == 1001);
  CHECK(load_text(text, variables).values.http.port == 1002);
  CHECK(load_text(text, variables, {"--set", "server.port=1003"}).values.http.port == 1003);
  const words both{"--port", "1004", "--set", "server.port=1003"};
  CHECK(load_text(text, variables, both).values.http.port == 1004);
  CHECK(load({"--port", "1", "--port", "2"}).values.http.port == 2);
}

TEST_CASE_FIXTURE(in_folder, "within one source the name listed first wins, then the later line") {
  const auto port = [&](auto text) { return load_text(text).values.http.port; };
  CHECK(port("server.port=1\nnacos.server.main.port=2") == 1);
  CHECK(port("nacos.server.port=3\nnacos.server.main.port=2") == 2);
  CHECK(port("server.port=1\nserver.port=2") == 2);
  const environment old_name{{"NACOS_SERVER_PORT", "4"}, {"NACOS_APPLICATION_PORT", "5"}};
  CHECK(load({}, old_name).values.http.port == 5);
  const environment both{{"SERVER_PORT", "6"}, {"NACOS_APPLICATION_PORT", "5"}};
  CHECK(load({}, both).values.http.port == 6);
  CHECK(load_text("nacre.mode=cluster\nnacos.standalone=true", identity).values.mode
        == node_mode::cluster);
  // The file of Nacos' image names its context path twice, the old key without a placeholder.
  const auto image = "server.servlet.contextPath=${SERVER_SERVLET_CONTEXTPATH:/nacos}\n"
                     "server.contextPath=/nacos\n";
  CHECK(load_text(image, {{"SERVER_SERVLET_CONTEXTPATH", "/x"}}).values.http.context_path == "/x");
}

TEST_CASE_FIXTURE(in_folder, "the file is looked for in the data folder, then beside it") {
  write("conf/application.properties", "server.port=1");
  CHECK(load({}).values.http.port == 1);
  write("data/conf/application.properties", "server.port=2\nnacre.data-dir=elsewhere");
  CHECK(load({}).values.http.port == 2);
  CHECK(load({}).values.data_dir == "elsewhere");
  write("d/conf/application.properties", "server.port=3");
  CHECK(load({"--data-dir", "d"}).values.http.port == 3);
  CHECK(load({"--set", "nacre.data-dir=d"}).values.http.port == 3);
  CHECK(load({}, {{"NACRE_DATA_DIR", "d"}}).values.http.port == 3);
  CHECK(load({"--data-dir", "none"}).values.http.port == 1);
  write("f", "server.port=4");
  write("g", "server.port=5");
  CHECK(load({}, {{"NACRE_CONFIG", "f"}}).values.http.port == 4);
  CHECK(load({"--config", "g"}, {{"NACRE_CONFIG", "f"}}).values.http.port == 5);
}

TEST_CASE("relaxed names are spelled as Spring spells them") {
  const auto key = "nacos.naming.clean.empty-service.interval"; // any key with a dash
  CHECK(compact_variable(key) == "NACOS_NAMING_CLEAN_EMPTYSERVICE_INTERVAL");
  CHECK(spaced_variable(key) == "NACOS_NAMING_CLEAN_EMPTY_SERVICE_INTERVAL");
  CHECK(compact_variable("server.servlet.contextPath") == "SERVER_SERVLET_CONTEXTPATH");
  CHECK(canonical_key("server.servlet.context-path")
        == canonical_key("server.Servlet.contextPath"));
}

TEST_CASE_FIXTURE(in_folder, "each bad value gives its line") {
  const std::string whole_port = ", wanted a whole number from 1 to 64000";
  const struct {
    std::string text, wanted;
  } cases[] = {
    {"server.port=70000", "server.port = '70000'" + whole_port},
    {"server.port=64001", "server.port = '64001'" + whole_port},
    {"server.port=0", "server.port = '0'" + whole_port},
    {"server.port=-1", "server.port = '-1'" + whole_port},
    {"server.port=+1", "server.port = '+1'" + whole_port},
    {"server.port=8848x", "server.port = '8848x'" + whole_port},
    {"server.port=", "server.port = ''" + whole_port},
    {"server.port=1e3", "server.port = '1e3'" + whole_port},
    {"server.port=99999999999999999999", "server.port = '99999999999999999999'" + whole_port},
    {"nacos.naming.push.pushTaskDelay=5s",
     "nacos.naming.push.pushTaskDelay = '5s', wanted milliseconds from 0 to 31536000000"},
    {"nacre.limits.services=0",
     "nacre.limits.services = '0', wanted a whole number from 1 to 1000000000"},
    {"nacos.naming.expireInstance=yes",
     "nacos.naming.expireInstance = 'yes', wanted true or false"},
    {"nacos.standalone=1", "nacos.standalone = '1', wanted true or false"},
    {"nacre.mode=single", "nacre.mode = 'single', wanted standalone or cluster"},
    {"nacre.log-level=loud", "nacre.log-level = 'loud', wanted trace, debug, info, warn or error"},
    {"nacre.data-dir=", "nacre.data-dir = '', wanted the path of a folder"},
    {"nacre.http.address=localhost", "nacre.http.address = 'localhost', wanted an IP address"},
    {"nacos.inetutils.ip-address=a b",
     "nacos.inetutils.ip-address = 'a b', wanted an IP address or a host name"},
    {"nacos.member.list=a;b",
     "nacos.member.list = 'a;b', wanted host[:port], separated by commas or spaces"},
    {"server.port=1\\n2", "server.port = '1?2'" + whole_port},
    {"server.port=${P:x}", "server.port = '${P:x}' with its placeholders replaced" + whole_port},
  };
  for (const auto& [text, wanted] : cases)
    CHECK(text_error("# comment\n" + text) == "a.properties:2: " + wanted);
  for (const auto path : {"nacos", "/nacos/", "//", "/a//b", "/a b", "/a?b", "/\xC3\xA4"})
    CHECK(text_error("server.servlet.contextPath=" + std::string(path))
          == "a.properties:1: server.servlet.contextPath = '" + std::string(path)
               + "', wanted a path that begins with / and does not end so");
  CHECK(load_error({"--port", "x"})
        == "command line option --port: server.port = 'x'" + whole_port);
  CHECK(load_error({"--set", "server.port=x"})
        == "command line option --set: server.port = 'x'" + whole_port);
  CHECK(load_error({}, {{"NACOS_SERVER_PORT", "x"}})
        == "environment variable NACOS_SERVER_PORT: server.port = 'x'" + whole_port);
  CHECK(load_error({}, {{"MODE", "x"}})
        == "environment variable MODE: nacre.mode = 'x', wanted standalone or cluster");
  CHECK(text_error("server.port=" + std::string(300, '1')).size() < 200);
}

TEST_CASE_FIXTURE(in_folder, "each unknown name gives its line, with a likely right one") {
  CHECK(text_error("\nnacos.naming.expireInstnace=true")
        == "a.properties:2: unknown key 'nacos.naming.expireInstnace', did you mean "
           "'nacos.naming.expireInstance'?");
  CHECK(text_error("foo=secret")
        == "a.properties:1: unknown key 'foo', wanted a key that --help lists or one of Nacos");
  CHECK(load_error({"--set", "foo=secret"})
        == "command line option --set: unknown key 'foo', wanted a key that --help lists or one of "
           "Nacos");
  // Only the parts of Nacos this registry has not are families: no typing error hides in auth.
  CHECK(text_error("nacos.core.auth.enabeld=true")
        == "a.properties:1: unknown key 'nacos.core.auth.enabeld', did you mean "
           "'nacos.core.auth.enabled'?");
  CHECK(load_error({}, {{"NACRE_DATADIRR", "secret"}})
        == "environment variable 'NACRE_DATADIRR' is unknown, did you mean 'NACRE_DATADIR'?");
  CHECK(load_error({"--prot=secret"})
        == "command line: unknown option '--prot', did you mean '--port'?");
  CHECK(load_error({"--zzzzzzzzz", "secret"})
        == "command line: unknown option '--zzzzzzzzz', see --help");
  CHECK(load({}, {{"PATH", "x"}, {"NACOS_FOO", "x"}}).warnings.empty());
}

TEST_CASE_FIXTURE(in_folder, "a command line out of shape gives its line") {
  CHECK(load_error({"--port"}) == "command line: --port wants a value, see --help");
  CHECK(load_error({"--data-dir", "--port"})
        == "command line: --data-dir wants a value, see --help");
  CHECK(load_error({"--config", "--port", "1"})
        == "command line: --config wants a value, see --help");
  CHECK(load_error({"--set"}) == "command line: --set wants a value, see --help");
  CHECK(load_error({"--set", "secret"}) == "command line: --set wants KEY=VALUE");
  CHECK(load_error({"--set", "=secret"}) == "command line: --set wants KEY=VALUE");
  CHECK(load_error({"--set", "server.port=1", "secret"})
        == "command line: a value stands without an option, see --help");
  CHECK(load_error({"--help=x"}) == "command line: --help, --version and --replace have no value");
  CHECK(load_error({"backup"}) == "command line: backup wants one FILE");
  CHECK(load_error({"store", "check"}) == "command line: store check wants one DIR");
  CHECK(load_error({"backup", "x", "--replace"})
        == "command line: --replace goes with restore FILE");
  CHECK(load_options(0, nullptr, {}).values.http.port == 8848);
}

TEST_CASE_FIXTURE(in_folder, "a file that cannot be read gives its line") {
  CHECK(load_error({"--config", "none"})
        == "none: No such file or directory, wanted a properties file");
  const std::string long_name(300, 'd');
  CHECK(load_error({"--data-dir", long_name})
        == long_name
             + "/conf/application.properties: File name too long, wanted a properties file");
  CHECK(load_error({"--config", "."}) == ".: Is a directory, wanted a properties file");
  CHECK(text_error("a=b\nserver.port=\\u12")
        == "a.properties:2: malformed \\u escape, wanted \\u and four hexadecimal digits");
  CHECK(text_error(std::string(properties_bytes_max + 5, '\n'))
        == "a.properties: longer than 1048576 bytes");
}

TEST_CASE_FIXTURE(in_folder, "placeholders in the file name variables and other keys") {
  const auto port = [&](auto text, const environment& variables = {}, const words& args = {}) {
    return load_text(text, variables, args).values.http.port;
  };
  const auto text = "server.port=${NACRE_PORT_OF_TEST:1}\nnacos.home=/h\n";
  CHECK(port(text) == 1);
  CHECK(port("server.port=${MY_PORT:1}", {{"MY_PORT", "2"}}) == 2);
  CHECK(port("server.port=${my.web-port:1}", {{"MY_WEB_PORT", "2"}}) == 2);
  CHECK(port("server.port=${my.web-port:1}", {{"MY_WEBPORT", "2"}}) == 2);
  CHECK(port("server.port=${db.num}\ndb.num=${N:5}") == 5);
  CHECK(port("server.port=${db.num}\ndb.num=${N:5}", {{"N", "6"}}) == 6);
  CHECK(port("server.port=${db.num}\ndb.num=5", {{"DB_NUM", "6"}}) == 6);
  CHECK(port("server.port=${db.num}\ndb.num=5", {{"DB_NUM", "6"}}, {"--set", "db.num=7"}) == 7);
  CHECK(load_text("nacre.data-dir=${nacos.home}/data\nnacos.home=/h").values.data_dir == "/h/data");
  // What the environment says is data, whatever it looks like.
  const environment odd{{"NACOS_AUTH_IDENTITY_VALUE", "${x"}, {"SERVER_PORT", "3"}};
  CHECK(load({}, odd).values.cluster.identity_value == "${x");
}

TEST_CASE_FIXTURE(in_folder, "a placeholder for nothing matters only in a key we understand") {
  CHECK(load_text("db.user.0=${MYSQL_SERVICE_USER}").warnings.size() == 1);
  CHECK(
    text_error("server.port=${NONE}")
    == "a.properties:1: server.port: nothing is named 'NONE', wanted it in the environment, or a "
       "default as in ${NAME:default}");
  CHECK(text_error("server.port=${server.port:1}")
        == "a.properties:1: server.port: placeholders nest too deeply or lead back to themselves");
}

TEST_CASE_FIXTURE(in_folder, "one warning names what is ignored, and no value") {
  const auto text = "nacos.istio.mcp.server.enabled=false\ndb.password.0=secret\n"
                    "spring.sql.init.platform=\nnacos.cmdb.dumpTaskInterval=3600\n"
                    "nacos.core.auth.plugin.nacos.token.secret.key=secret\n"
                    "nacos.core.protocol.raft.data.election_timeout_ms=5000\n"
                    "nacos.core.auth.ldap.password=secret\nnacos.naming.data.warmup=true\n";
  const environment variables{{"JVM_XMS", "1g"},
                              {"MYSQL_SERVICE_PASSWORD", "secret"},
                              {"NACOS_AUTH_CACHE_ENABLE", "true"},
                              {"NACOS_AUTH_TOKEN", "secret"},
                              {"NACOS_AUTH_TOKEN_EXPIRE_SECONDS", "18000"},
                              {"NACOS_CORE_PROTOCOL_RAFT_DATA_SYNC", "true"},
                              {"NACOS_NAMING_DATA_WARMUP", "true"},
                              {"PREFER_HOST_MODE", "hostname"},
                              {"SPRING_DATASOURCE_PLATFORM", "mysql"},
                              {"TOMCAT_ACCESSLOG_ENABLED", "false"}};
  const auto loaded = load_text(text, variables, {"--set", "management.x=1"});
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0]
        == "settings of Nacos that mean nothing here and are ignored: JVM_XMS, "
           "MYSQL_SERVICE_PASSWORD, NACOS_AUTH_CACHE_ENABLE, NACOS_AUTH_TOKEN, "
           "NACOS_AUTH_TOKEN_EXPIRE_SECONDS, NACOS_CORE_PROTOCOL_RAFT_DATA_SYNC, "
           "NACOS_NAMING_DATA_WARMUP, PREFER_HOST_MODE, SPRING_DATASOURCE_PLATFORM, "
           "TOMCAT_ACCESSLOG_ENABLED, db.password.0, management.x, nacos.cmdb.dumpTaskInterval, "
           "nacos.core.auth.ldap.password, nacos.core.auth.plugin.nacos.token.secret.key, "
           "nacos.core.protocol.raft.data.election_timeout_ms, nacos.istio.mcp.server.enabled, "
           "nacos.naming.data.warmup, spring.sql.init.platform");
}

TEST_CASE_FIXTURE(in_folder, "a node asked to authenticate refuses to start and says who asked") {
  const std::string refusal =
    ": nacos.core.auth.enabled: authentication is not available in this version, wanted false";
  CHECK(text_error("nacos.core.auth.enabled=True") == "a.properties:1" + refusal);
  CHECK(text_error("nacos.core.auth.enabled=false", {{"NACOS_AUTH_ENABLE", "true"}})
        == "environment variable NACOS_AUTH_ENABLE" + refusal);
  CHECK(load_error({"--set", "nacos.core.auth.enabled=true"})
        == "command line option --set" + refusal);
  const auto off = load_text("nacos.core.auth.enabled=true", {{"NACOS_AUTH_ENABLE", "false"}});
  CHECK(!off.values.auth_enabled);
}

TEST_CASE_FIXTURE(in_folder, "the identity of nodes is kept and never shown") {
  const environment variables{{"NACOS_AUTH_IDENTITY_KEY", "k"}, {"NACOS_AUTH_IDENTITY_VALUE", "v"}};
  CHECK(load({}, variables).values.cluster.identity_key == "k");
  CHECK(load({}, variables).values.cluster.identity_value == "v");
  CHECK(
    load_error({}, {{"NACOS_AUTH_IDENTITY_VALUE", "sec\nret"}})
    == "environment variable NACOS_AUTH_IDENTITY_VALUE: nacos.core.auth.server.identity.value = "
       "(hidden), wanted printable ASCII characters");
}

TEST_CASE_FIXTURE(in_folder, "a cluster without an identity does not start and says what to set") {
  const std::string head = "mode cluster wants the identity its nodes know each other by, the same "
                           "on all of them: set ";
  const std::string key = "nacos.core.auth.server.identity.key (a header's name, e.g. "
                          "x-nacre-node)";
  const std::string value = "nacos.core.auth.server.identity.value (at least 16 characters, e.g. "
                            "what openssl rand -hex 24 prints)";
  CHECK(load_error({"--mode", "cluster"}) == head + key + " and " + value);
  CHECK(text_error("nacos.standalone=false") == head + key + " and " + value);
  CHECK(load_error({"--mode", "cluster"}, {{"NACOS_AUTH_IDENTITY_KEY", "k"}}) == head + value);
  CHECK(load_error({"--mode", "cluster"}, {{"NACOS_AUTH_IDENTITY_KEY", "k"},
                                           {"NACOS_AUTH_IDENTITY_VALUE", "only-15-of-them"}})
        == head + value);
  CHECK(load_error({"--mode", "cluster"}, {{"NACOS_AUTH_IDENTITY_VALUE", "0123456789abcdef"}})
        == head + key);
  CHECK(load({"--mode", "cluster"}, identity).values.mode == node_mode::cluster);
}

TEST_CASE_FIXTURE(in_folder, "times of a cluster that contradict each other give their line") {
  const words cluster{"--mode", "cluster", "--set"};
  const auto error = [&](const std::string& setting) {
    auto arguments = cluster;
    arguments.push_back(setting);
    return load_error(arguments, identity);
  };
  CHECK(error("nacre.cluster.heartbeat-interval-ms=3000")
        == "nacre.cluster.suspicious-after-ms = 3000, wanted more than "
           "nacre.cluster.heartbeat-interval-ms = 3000");
  CHECK(
    error("nacre.cluster.down-after-ms=2000")
    == "nacre.cluster.down-after-ms = 2000, wanted more than nacre.cluster.suspicious-after-ms = "
       "3000");
  CHECK(error("nacos.naming.client.expired.time=5000")
        == "nacos.naming.client.expired.time = 5000, wanted more than "
           "nacos.core.protocol.distro.data.verify.intervalMs = 5000");
  CHECK(load({"--set", "nacre.cluster.down-after-ms=2000"}).warnings.empty());
}

TEST_CASE_FIXTURE(in_folder, "a lookup type nobody knows is as good as none, with a warning") {
  const auto loaded = load_text("nacos.core.member.lookup.type=dns");
  CHECK(loaded.values.cluster.lookup.empty());
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0]
        == "a.properties:1: nacos.core.member.lookup.type = 'dns' is as good as "
           "not set, wanted file or address-server");
  CHECK(load_text("nacos.core.member.lookup.type=").warnings.empty());
  const auto right = load_text("nacos.core.member.lookup.type=dns", {},
                               {"--set", "nacos.core.member.lookup.type=File"});
  CHECK(right.values.cluster.lookup == "file");
  CHECK(right.warnings.empty());
}

TEST_CASE_FIXTURE(in_folder, "the environment of the address server wins over the file") {
  const auto text = "address.server.domain=a\naddress.server.port=1\naddress.server.url=/a";
  const auto cluster = load_text(text, {{"address_server_domain", "b"},
                                        {"address_server_port", "2"},
                                        {"address_server_url", "/b"}})
                         .values.cluster;
  CHECK(cluster.address_server_domain == "b");
  CHECK(cluster.address_server_port == 2);
  CHECK(cluster.address_server_url == "/b");
}

TEST_CASE_FIXTURE(in_folder, "texts are kept in one spelling") {
  const environment members{{"NACOS_SERVERS", " n1:8848 n2:8848,  n3 "}};
  CHECK(load({}, members).values.cluster.members == "n1:8848,n2:8848,n3");
  CHECK(load({"--log-level", "WARN"}).values.log_level == "warn");
  CHECK(load({"--mode", "Cluster"}, identity).values.mode == node_mode::cluster);
  for (const auto none : {"", "/"})
    CHECK(load_text("server.servlet.contextPath=" + std::string(none)).values.http.context_path
          == "");
  CHECK(load({"--set", "nacos.naming.expireInstance=FALSE"}).values.liveness.expire_instance
        == false);
}

TEST_CASE_FIXTURE(in_folder, "an empty variable is as good as none, except for the context path") {
  CHECK(load({}, {{"NACOS_APPLICATION_PORT", ""}, {"MODE", ""}}).values.http.port == 8848);
  CHECK(load({}, {{"SERVER_SERVLET_CONTEXTPATH", ""}}).values.http.context_path == "");
}

TEST_CASE_FIXTURE(in_folder, "the names of services Kubernetes puts into the environment are none "
                             "of ours") {
  const environment links{{"NACRE_PORT", "tcp://10.0.0.1:8848"},
                          {"NACRE_PORT_8848_TCP", "tcp://10.0.0.1:8848"},
                          {"NACRE_PORT_8848_TCP_ADDR", "10.0.0.1"},
                          {"NACRE_SERVICE_HOST", "10.0.0.1"},
                          {"NACRE_SERVICE_PORT", "8848"},
                          {"NACRE_SERVICE_PORT_HTTP", "8848"},
                          {"NACOS_SERVER_PORT", "tcp://10.0.0.2:8848"},
                          {"SERVER_PORT", "tcp://10.0.0.3:80"}};
  CHECK(load({}, links).values.http.port == 8848);
  CHECK(load({}, links).warnings.empty());
}

TEST_CASE("help is a line for every key, under what it is about") {
  const auto help = load({"--help", "--port", "x", "--nonsense"}).answer;
  const auto mentions = [&](const std::string& text) {
    CHECK_MESSAGE(help.find(text) != help.npos, text);
  };
  for (const auto& row : option_table()) {
    mentions("\n  " + row.keys[0]);
    mentions("\n" + row.subject + "\n");
    mentions(row.get({}));
    mentions(row.flag);
  }
  for (const auto option : {"--config FILE", "--set KEY=VALUE", "--help", "--version"})
    mentions(option);
  CHECK(static_cast<std::size_t>(std::count(help.begin(), help.end(), '\n'))
        < option_table().size() + 50);
  std::size_t widest = 0;
  for (std::size_t begin = 0, end; (end = help.find('\n', begin)) != help.npos; begin = end + 1)
    widest = std::max(widest, end - begin);
  CHECK(widest <= 100);
  CHECK(load({"--version"}).answer.starts_with("nacre "));
}

TEST_CASE("help of a key tells all about it, by any of its names") {
  for (const auto& row : option_table()) {
    const auto help = load({"--help", row.keys.back()}).answer;
    const auto mentions = [&](const std::string& text) {
      CHECK_MESSAGE(help.find(text) != help.npos, text);
    };
    std::for_each(row.keys.begin(), row.keys.end(), mentions);
    const auto names = environment_names(row);
    std::for_each(names.begin(), names.end(), mentions);
    mentions("Default: " + (row.get({}).empty() ? "nothing" : row.get({})));
    CHECK(load({"--help", names.front()}).answer.find(row.keys[0]) != help.npos);
  }
  CHECK(load({"--help", "SERVER.PORT"}).answer == load({"--help", "server.port"}).answer);
  const auto all = load({"--help", "nacre.grpc."}).answer;
  CHECK(all.find("nacre.grpc.connections-max") != all.npos);
  CHECK(all.find("nacre.http.") == all.npos);
  CHECK(load_error({"--help", "server.prot"})
        == "command line: --help knows no key 'server.prot', did you mean 'server.port'?");
}

TEST_CASE("who asks for HTTPS does not get plain HTTP") {
  constexpr std::string_view why =
    ": HTTP over TLS is not available in this version, and plain HTTP in its place would be no "
    "secret; wanted server.ssl.enabled=false";
  CHECK(load_error({"--set", "server.ssl.enabled=true"})
        == "command line option --set: server.ssl.enabled" + std::string(why));
  CHECK(load_error({"--set", "server.ssl.key-store=x"})
        == "command line option --set: server.ssl.key-store" + std::string(why));
  CHECK(load_error({}, {{"SERVER_SSL_ENABLED", "true"}})
        == "environment variable SERVER_SSL_ENABLED: server.ssl.enabled" + std::string(why));
  CHECK(load_error({}, {{"SERVER_SSL_KEY_STORE", "x"}}).ends_with(why));
  CHECK_NOTHROW(load({"--set", "server.ssl.key-store=x", "--set", "server.ssl.enabled=false"}));
  CHECK_NOTHROW(load({"--set", "server.ssl.enabled=false", "--set", "server.ssl.key-store=x"}));
  CHECK(load_error({"--set", "server.ssl.enabled=false", "--set", "server.ssl.enabled=true"})
          .ends_with(why));
  CHECK_NOTHROW(load({"--set", "server.ssl.enabled=false"}, {{"SERVER_SSL_ENABLED", "true"}}));
}

TEST_CASE("keys of Nacos that only choose among its parts do not stop the start") {
  for (std::string key : {"nacos.remote.server.rpc.protocol.negotiator.type",
                          "nacos.remote.sdk.server.rpc.protocol.negotiator.type",
                          "nacos.remote.cluster.server.rpc.protocol.negotiator.type"})
    CHECK(load({"--set", key + "=x"}).warnings.size() == 1);
}

TEST_CASE("validate holds options made by hand to the same rules") {
  CHECK_NOTHROW(validate({}));
  const struct {
    std::function<void(options&)> change;
    std::string_view wanted;
  } cases[] = {
    {[](auto& x) { x.http.port = 64'001; }, "server.port = '64001', wanted a whole number from "
                                            "1 to 64000"},
    {[](auto& x) { x.push.merge_window = milliseconds(-1); },
     "nacos.naming.push.pushTaskDelay = '-1', wanted milliseconds from 0 to 31536000000"},
    {[](auto& x) { x.cleaning.empty_service_expired = milliseconds(-1); },
     "nacos.naming.clean.empty-service.expired-time = '-1', wanted milliseconds from 0 to "
     "31536000000"},
    {[](auto& x) { x.limits.instances_max = 0; },
     "nacre.limits.instances = '0', wanted a whole number from 1 to 1000000000"},
    {[](auto& x) { x.http.context_path = "/nacos/"; },
     "server.servlet.contextPath = '/nacos/', wanted a path that begins with / and does not end "
     "so"},
    {[](auto& x) { x.log_level = ""; },
     "nacre.log-level = '', wanted trace, debug, info, warn or error"},
    {[](auto& x) { x.cluster.identity_key = "se\rcret"; },
     "nacos.core.auth.server.identity.key = (hidden), wanted letters, digits and any of -._"},
    {[](auto& x) {
       x.mode = node_mode::cluster;
       x.cluster.identity_key = "x-node";
     },
     "mode cluster wants the identity its nodes know each other by, the same on all of them: set "
     "nacos.core.auth.server.identity.value (at least 16 characters, e.g. what openssl rand -hex "
     "24 prints)"},
    {[](auto& x) { x.auth_enabled = true; },
     "nacos.core.auth.enabled: authentication is not available in this version, wanted false"},
  };
  for (const auto& [change, wanted] : cases) {
    options values;
    change(values);
    CHECK(error_of([&] { validate(values); }) == wanted);
  }
}

TEST_CASE("the environment of this process can be read") {
  CHECK(process_environment().contains("PATH"));
}
