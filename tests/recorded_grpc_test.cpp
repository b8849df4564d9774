// The recorded gRPC sessions of Nacos 2.5.1, played against a node: types, codes, keys and values.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <list>
#include <set>
#include <sstream>

#include "tests/kit/sdk_client.hpp"

using namespace nacre;
using namespace nacre::test;

namespace {

/// Keys whose values are the server's own.
const std::set<std::string_view> own_values{"lastRefTime", "connectionId"};

/// Of 3.x, where 2.5.1 knows only its old name.
const std::set<std::string_view> more_keys{"allIps"};

void compare(const json_value& expected, const json_value& actual, const std::string& path) {
  CAPTURE(path);
  if (expected.is_object()) {
    REQUIRE(actual.is_object());
    std::set<std::string_view> known;
    for (auto [key, value] : expected.members()) {
      known.insert(key);
      auto found = actual[key];
      CHECK_MESSAGE(found, "missing " << path << '.' << key);
      if (found && !own_values.contains(key))
        compare(value, found, path + '.' + std::string(key));
    }
    for (auto [key, value] : actual.members())
      CHECK_MESSAGE((known.contains(key) || more_keys.contains(key)),
                    "unexpected " << path << '.' << key);
  } else if (expected.is_array()) {
    auto a = expected.elements();
    auto b = actual.elements();
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i)
      compare(a[i], b[i], path + '[' + std::to_string(i) + ']');
  } else {
    CHECK(expected.scalar_text() == actual.scalar_text());
  }
}

/// One recorded client and how far it has come.
class player {
public:
  player(std::string address, std::vector<json_value> steps)
    : client_(std::move(address)), steps_(std::move(steps)) {}

  bool done() const { return at_ == steps_.size(); }

  /// Plays one step. @returns false if it waits for a push that does not come
  bool step() {
    auto& x = steps_[at_];
    std::string from(*x["from"].string());
    type_ = *x["type"].string();
    CAPTURE(type_);
    if (from == "client")
      send(x);
    else if (from == "server-stream" && type_ == "END")
      client_.disconnect(); // the recording client's own cancellation
    else if (!receive(x, from == "server"))
      return false;
    ++at_;
    return true;
  }

private:
  void send(const json_value& x) {
    auto body = text_of(x["body"]);
    if (type_ == "ConnectionSetupRequest" || type_.ends_with("Response"))
      client_.write(type_, body);
    else
      answer_ = client_.call(type_, body);
  }

  bool receive(const json_value& x, bool unary) {
    auto message = unary ? std::optional(answer_) : client_.next(300ms);
    if (!message)
      return false;
    CAPTURE(message->body);
    CHECK(message->type == type_);
    json_document actual(message->body);
    compare(x["body"], actual.root(), type_);
    return true;
  }

  static std::string text_of(const json_value& x) {
    if (x.is_object() || x.is_array()) {
      bool object = x.is_object();
      std::string text(1, object ? '{' : '[');
      auto add = [&](const std::string& part) { text += (text.size() > 1 ? "," : "") + part; };
      for (auto [key, value] : x.members())
        add('"' + std::string(key) + "\":" + text_of(value));
      for (auto& value : x.elements())
        add(text_of(value));
      return text + (object ? '}' : ']');
    }
    if (x.is_null())
      return "null";
    auto scalar = x.scalar_text().value_or("");
    return x.string() ? '"' + scalar + '"' : scalar;
  }

  sdk_client client_;
  std::vector<json_value> steps_;
  std::size_t at_ = 0;
  std::string type_;
  remote_message answer_;
};

/// Sessions of one recording lived side by side: the last one goes first, and whenever it waits for
/// something that does not come, the others go on.
void play(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  auto recorded = text.str();
  json_document document(recorded);
  REQUIRE(document.error().empty());
  live_node node;
  std::list<player> players;
  for (auto& session : document.root()["sessions"].elements())
    players.emplace_front(node.address(), session.elements());
  while (!players.empty()) {
    auto ready = std::find_if(players.begin(), players.end(), [](player& x) { return x.step(); });
    REQUIRE_MESSAGE(ready != players.end(), "nobody can go on");
    std::erase_if(players, [](player& x) { return x.done(); });
  }
}

} // namespace

TEST_CASE("recorded gRPC sessions are met") {
  auto folder = std::filesystem::path(NACRE_SOURCE_DIR) / "tests/vectors/nacos-2.5.1/grpc";
  std::size_t files = 0;
  for (auto& file : std::filesystem::directory_iterator(folder)) {
    CAPTURE(file.path().filename().string());
    play(file.path());
    ++files;
  }
  CHECK(files == 8);
}
