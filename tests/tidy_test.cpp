#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

// The house style as a test: reads the sources under NACRE_SOURCE_DIR.

namespace {

namespace fs = std::filesystem;

constexpr std::size_t columns_max = 100;
constexpr std::size_t function_lines_max = 70;

/// The folder of a file: `actors/tables` of `actors/tables/lease.hpp`.
std::string room_of(const std::string& path) {
  auto end = path.rfind('/');
  return end == path.npos ? path : path.substr(0, end);
}

struct source {
  /// Relative to the repository: `actors/tables/lease.hpp`.
  std::string path;
  std::string text;
  /// The same text with comments, strings and characters blanked out; lines stay where they are.
  std::string code;

  std::string folder() const { return path.substr(0, std::min(path.find('/'), path.size())); }
  std::string room() const { return room_of(path); }
};

using findings = std::vector<std::string>;

std::string at(const source& x, std::size_t line, const std::string& what) {
  return x.path + ":" + std::to_string(line) + ": " + what;
}

/// All findings in one message; the test fails if there is one.
void check_none(const findings& found) {
  std::string text;
  for (auto& x : found)
    text += "\n  " + x;
  CHECK_MESSAGE(found.empty(), text);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

// -- reading C++ roughly -------------------------------------------------------------------------

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

/// Where the literal or comment that begins at `i` ends; `i` itself if none begins there.
std::size_t skipped(const std::string& s, std::size_t i) {
  auto end_of = [&](std::string_view mark, std::size_t from) {
    auto end = s.find(mark, from);
    return end == s.npos ? s.size() : end + mark.size();
  };
  if (s.compare(i, 2, "//") == 0)
    return std::min(s.find('\n', i), s.size());
  if (s.compare(i, 2, "/*") == 0)
    return end_of("*/", i + 2);
  if (s.compare(i, 2, "R\"") == 0 && (i == 0 || !is_word(s[i - 1]))) {
    auto open = s.find('(', i);
    return open == s.npos ? s.size() : end_of(")" + s.substr(i + 2, open - i - 2) + "\"", open);
  }
  // A quote after a digit groups digits: 1'000.
  bool is_literal = s[i] == '"' || (s[i] == '\'' && (i == 0 || !is_word(s[i - 1])));
  if (!is_literal)
    return i;
  auto k = i + 1;
  while (k < s.size() && s[k] != s[i] && s[k] != '\n')
    k += s[k] == '\\' ? 2 : 1;
  return std::min(k + 1, s.size());
}

std::string code_of(const std::string& text) {
  auto code = text;
  for (std::size_t i = 0; i < text.size();) {
    auto end = skipped(text, i);
    if (end == i)
      ++i;
    for (; i < end; ++i)
      if (code[i] != '\n')
        code[i] = ' ';
  }
  return code;
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.starts_with(word) && (text.size() == word.size() || !is_word(text[word.size()]));
}

/// `text` without blanks, attributes, preprocessor lines and `template <…>` in front.
std::string_view stripped_head(std::string_view text) {
  for (;;) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
      text.remove_prefix(1);
    if (text.starts_with('#')) {
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    } else if (starts_with_word(text, "template")) {
      std::size_t depth = 0;
      std::size_t i = 0;
      for (; i < text.size(); ++i) {
        depth += text[i] == '<' ? 1 : 0;
        if (text[i] == '>' && --depth == 0)
          break;
      }
      text.remove_prefix(std::min(i + 1, text.size()));
    } else {
      return text;
    }
  }
}

enum class block { scope, function, other };

/// What the brace after `head` opens, `head` being the text since the last `;`, `{` or `}`.
block block_after(std::string_view head) {
  if (!head.empty() && is_word(head.back()))
    return block::other; // `y{2}`: a value, as bodies have a blank before them
  head = stripped_head(head);
  if (starts_with_word(head.substr(head.rfind('\n') + 1), "namespace"))
    return block::scope; // also after a macro that ends in no semicolon
  if (head.empty() || head.front() == ',' || head.front() == ':')
    return block::function; // the body after a constructor's initializers
  for (auto word : {"namespace", "class", "struct", "enum", "union", "extern"})
    if (starts_with_word(head, word))
      return head.find('(') == head.npos || head.find("enum") == 0 ? block::scope : block::function;
  // A table of lambdas or a value is no function; `operator=` is.
  auto open = head.find('(');
  auto assign = head.find('=');
  bool assigns = assign != head.npos && assign < open && head.find("operator") == head.npos;
  return open != head.npos && !assigns ? block::function : block::other;
}

struct function {
  std::size_t first_line;
  std::size_t lines;
  std::string name;
};

/// Functions at namespace or class scope, told by their braces.
std::vector<function> functions_of(const std::string& code) {
  std::vector<function> found;
  std::vector<block> open;
  std::size_t head_begin = 0;
  std::size_t line = 1;
  std::size_t body_depth = 0; // depth of the braces of the function we are in, 0 outside
  for (std::size_t i = 0; i < code.size(); ++i) {
    char c = code[i];
    if (c == '\n')
      ++line;
    if (c == '{') {
      auto head = std::string_view(code).substr(head_begin, i - head_begin);
      bool nested = body_depth != 0 || (!open.empty() && open.back() == block::other);
      open.push_back(nested ? block::other : block_after(head));
      if (open.back() == block::function) {
        body_depth = open.size();
        auto name = stripped_head(head);
        auto begins = std::count(name.begin(), name.end(), '\n');
        found.push_back({line - static_cast<std::size_t>(begins), 0,
                         std::string(name.substr(0, name.find('\n')))});
      }
    }
    if (c == '}' && !open.empty()) {
      if (open.size() == body_depth) {
        found.back().lines = line - found.back().first_line + 1;
        body_depth = 0;
      }
      open.pop_back();
    }
    if (c == ';' || c == '{' || c == '}')
      head_begin = i + 1;
  }
  return found;
}

struct include {
  std::size_t line;
  std::string path;
  bool quoted;
  /// Between `#ifdef NACRE_TEST_HOOK` and its `#else` or `#endif`.
  bool for_test_hook;
};

std::vector<include> includes_of(const source& x) {
  std::vector<include> found;
  bool in_hook = false;
  auto lines = lines_of(x.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::istringstream in(lines[i]);
    std::string word, path;
    in >> word >> path;
    if (word == "#ifdef" && path == "NACRE_TEST_HOOK")
      in_hook = true;
    else if (word == "#else" || word == "#endif")
      in_hook = false;
    if (word == "#include" && path.size() > 2)
      found.push_back({i + 1, path.substr(1, path.size() - 2), path.front() == '"', in_hook});
  }
  return found;
}

/// Characters of a line, counting bytes that begin one.
std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u;
  }));
}

/// Whether `word` stands in the text by itself.
bool has_word(std::string_view text, std::string_view word) {
  for (auto i = text.find(word); i != text.npos; i = text.find(word, i + 1)) {
    bool begins = i == 0 || !is_word(text[i - 1]);
    bool ends = i + word.size() == text.size() || !is_word(text[i + word.size()]);
    if (begins && ends)
      return true;
  }
  return false;
}

// -- the rules -----------------------------------------------------------------------------------

/// Which folders a folder may include; includes point down only.
const std::map<std::string, std::set<std::string>> allowed_folders = {
  {"config", {"config"}},
  {"protocol", {"config", "protocol"}},
  {"actors", {"config", "protocol", "actors"}},
  {"net", {"config", "net"}},
  {"http", {"config", "protocol", "actors", "net", "http"}},
  {"probe", {"config", "protocol", "actors", "net", "probe"}},
  {"grpc", {"config", "protocol", "actors", "net", "grpc"}},
  {"main.cpp", {"config", "protocol", "actors", "net", "http", "probe", "grpc"}},
};

/// The rooms inside a folder, each with those of the same folder that it may include: a room knows
/// only what is below it.
const std::map<std::string, std::set<std::string>> allowed_rooms = {
  {"actors/base", {}},
  {"actors", {"actors/base", "actors/messages", "actors/tables"}},
  {"actors/messages", {"actors/base", "actors/tables"}},
  {"actors/tables", {"actors", "actors/base", "actors/messages"}},
  {"actors/distro", {"actors", "actors/base", "actors/messages", "actors/tables"}},
  {"actors/store", {"actors", "actors/base", "actors/messages", "actors/tables", "actors/distro"}},
  {"actors/push", {"actors", "actors/base", "actors/messages", "actors/tables"}},
  {"actors/naming", {"actors", "actors/base", "actors/messages", "actors/tables", "actors/distro"}},
  {"actors/connections",
   {"actors", "actors/base", "actors/messages", "actors/tables", "actors/distro", "actors/naming"}},
  {"actors/health", {"actors", "actors/base", "actors/messages", "actors/tables", "actors/distro"}},
  {"actors/node",
   {"actors", "actors/base", "actors/messages", "actors/tables", "actors/distro", "actors/push",
    "actors/naming", "actors/connections", "actors/store", "actors/health"}},
  {"http/server", {}},
  {"http/net", {}},
  {"http/api", {"http/server"}},
  {"grpc/http2", {}},
  {"grpc", {"grpc/http2"}},
  {"grpc/sdk", {"grpc", "grpc/http2"}},
  {"grpc/link", {"grpc", "grpc/http2"}},
};

/// Third-party headers by prefix, and the folders they are for, or single files.
const std::vector<std::pair<std::string_view, std::set<std::string>>> outside_headers = {
  {"caf/", {"actors", "http", "grpc", "main.cpp"}},
  {"spdlog/", {"actors", "http", "grpc", "main.cpp"}},
  {"boost/asio", {"net", "http", "probe", "grpc"}},
  {"mysql.h", {"probe"}},
  {"ma_pvio.h", {"probe"}},
  {"boost/beast", {"http"}},
  {"grpcpp/", {"grpc"}},
  {"google/", {"grpc"}},
  {"openssl/", {"grpc"}},
  {"nghttp2/", {"grpc"}},
  {"boost/smart_ptr", {"protocol", "actors"}},
  {"CLI/", {"config"}},
  {"simdjson.h", {"protocol"}},
  {"rapidjson/", {"protocol"}},
  {"zlib.h", {"protocol", "actors", "grpc"}},
  {"sqlite3.h", {"actors"}},
  {"cereal/", {"protocol"}},
  {"openssl/", {"grpc"}},
  // What protocol/ is free of: threads, locks, clocks. But values of all threads that are stored
  // once need them.
  {"thread", {"net", "http", "probe", "grpc"}},
  {"mutex", {"actors", "net", "http", "probe", "grpc", "protocol/shared_pool.hpp"}},
  {"shared_mutex", {"actors"}},
  {"atomic", {"actors", "net", "http", "grpc", "protocol/shared_pool.hpp"}},
};

findings bad_includes(const source& x) {
  findings found;
  auto& allowed = allowed_folders.at(x.folder());
  for (auto& i : includes_of(x)) {
    if (i.quoted) {
      auto folder = i.path.substr(0, i.path.find('/'));
      bool hook = folder == "tests" && i.for_test_hook && x.path == "main.cpp";
      if (!allowed.count(folder) && !hook)
        found.push_back(at(x, i.line, "may not include " + i.path));
    } else {
      for (auto& [prefix, folders] : outside_headers)
        if ((prefix.find_first_of("/.") == prefix.npos ? i.path == prefix
                                                       : i.path.starts_with(prefix))
            && !folders.count(x.folder()) && !folders.count(x.path))
          found.push_back(at(x, i.line, "may not include <" + i.path + ">"));
    }
  }
  return found;
}

/// A room includes itself and the rooms below it.
findings bad_rooms(const source& x) {
  findings found;
  auto room = x.room();
  auto allowed = allowed_rooms.find(room);
  for (auto& i : includes_of(x)) {
    if (!i.quoted || i.path.ends_with(".pb.h"))
      continue;
    auto other = room_of(i.path);
    bool same_folder = other.substr(0, other.find('/')) == x.folder();
    if (!same_folder || other == room)
      continue;
    if (allowed == allowed_rooms.end() || !allowed->second.count(other))
      found.push_back(at(x, i.line, "is above " + room + ": " + i.path));
  }
  return found;
}

findings bad_lines(const source& x) {
  findings found;
  auto lines = lines_of(x.text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (columns(lines[i]) > columns_max)
      found.push_back(at(x, i + 1, std::to_string(columns(lines[i])) + " columns"));
    if (lines[i].find('\t') != std::string::npos)
      found.push_back(at(x, i + 1, "a tab"));
    if (lines[i].ends_with(' ') || lines[i].ends_with('\r'))
      found.push_back(at(x, i + 1, "a blank at the end"));
    for (auto marker : {"TO"
                        "DO",
                        "FIX"
                        "ME",
                        "XX"
                        "X"})
      if (has_word(lines[i], marker))
        found.push_back(at(x, i + 1, std::string("a leftover marker ") + marker));
  }
  if (x.text.empty() || x.text.back() != '\n')
    found.push_back(at(x, lines.size(), "no newline at the end"));
  return found;
}

findings long_functions(const source& x) {
  findings found;
  for (auto& f : functions_of(x.code))
    if (f.lines > function_lines_max)
      found.push_back(at(x, f.first_line, std::to_string(f.lines) + " lines: " + f.name));
  return found;
}

/// Waiting is for the edge, and so is the time.
findings stray_sleeps_and_clocks(const source& x) {
  findings found;
  auto lines = lines_of(x.code);
  bool is_port = x.path == "http/server/server.cpp" || x.path == "grpc/http2/grpc_port.cpp";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (auto word : {"sleep_for", "sleep_until", "usleep", "nanosleep", "sleep"})
      if (has_word(lines[i], word) && !(is_port && word[5] == '_'))
        found.push_back(at(x, i + 1, word));
    bool has_clock = lines[i].find("system_clock::now") != std::string::npos
                     || lines[i].find("steady_clock::now") != std::string::npos
                     || lines[i].find("high_resolution_clock") != std::string::npos;
    // The machine's clocks are for the edge; all others ask the clock of their node.
    bool asks_machine = has_word(lines[i], "steady_now") || has_word(lines[i], "wall_now");
    bool at_edge = x.room() == "http/server" || x.room() == "grpc/http2" || x.room() == "grpc/link"
                   || x.folder() == "main.cpp" || x.room() == "actors/base";
    if (asks_machine && !at_edge)
      found.push_back(at(x, i + 1, "the machine's clock instead of the node's"));
    bool pure = x.folder() == "protocol" || x.folder() == "actors" || x.folder() == "config";
    if (has_clock && pure && x.path != "actors/base/clocks.hpp")
      found.push_back(at(x, i + 1, "a clock of its own"));
  }
  return found;
}

/// Whether `text`, which ends in a parenthesis, ends in a call and not in an expression.
bool is_call(std::string_view text) {
  std::size_t depth = 0;
  for (auto i = text.size(); i-- > 0;) {
    depth += text[i] == ')' ? 1 : 0;
    if (text[i] == '(' && --depth == 0)
      return i > 0 && is_word(text[i - 1]);
  }
  return false;
}

/// A loop over what a returned pointer points to: before C++23 the pointer is gone when the body
/// begins, and maybe the last one.
findings loops_over_the_gone(const source& x) {
  findings found;
  std::string_view code = x.code;
  for (auto open = code.find("for ("); open != code.npos; open = code.find("for (", open + 1)) {
    std::size_t depth = 0;
    auto end = open + 4;
    do {
      depth += code[end] == '(' ? 1 : 0;
      depth -= code[end] == ')' ? 1 : 0;
    } while (depth > 0 && ++end < code.size());
    auto head = code.substr(open, end - open);
    auto range = std::min(head.find(" : "), head.find(" :\n"));
    if (range == head.npos || head.find(';', range) != head.npos)
      continue;
    for (auto i = head.find(")->", range); i != head.npos; i = head.find(")->", i + 1))
      if (is_call(head.substr(0, i + 1))) {
        auto line =
          std::count(code.begin(), code.begin() + static_cast<std::ptrdiff_t>(open), '\n');
        found.push_back(at(x, static_cast<std::size_t>(line) + 1, std::string(head)));
        break;
      }
  }
  return found;
}

/// Each message has its sentence, where it is made and where an actor takes it.
findings silent_messages(const source& x) {
  findings found;
  bool defines = x.room() == "actors/messages";
  bool takes = x.path.ends_with("interfaces.hpp");
  auto lines = lines_of(x.text);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    bool defined = defines && lines[i].starts_with("struct ") && !lines[i].ends_with(';');
    bool taken = takes && lines[i].starts_with("  caf::re");
    bool told = lines[i - 1].find("//") != std::string::npos;
    if ((defined || taken) && !told)
      found.push_back(at(x, i + 1, "a message without a sentence: " + lines[i]));
  }
  return found;
}

source make_source(std::string path, std::string text) {
  auto code = code_of(text);
  return {std::move(path), std::move(text), std::move(code)};
}

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The C++ files of the folders, and main.cpp.
const std::vector<source>& sources() {
  static const auto all = [] {
    std::vector<source> result;
    const fs::path root = NACRE_SOURCE_DIR;
    for (auto& [folder, allowed] : allowed_folders) {
      if (fs::is_regular_file(root / folder)) {
        result.push_back(make_source(folder, content_of(root / folder)));
        continue;
      }
      for (auto& file : fs::recursive_directory_iterator(root / folder))
        if (auto kind = file.path().extension(); kind == ".cpp" || kind == ".hpp")
          result.push_back(
            make_source(fs::relative(file.path(), root).string(), content_of(file.path())));
    }
    return result;
  }();
  return all;
}

void check_sources(findings (*rule)(const source&)) {
  findings found;
  for (auto& x : sources()) {
    auto more = rule(x);
    found.insert(found.end(), more.begin(), more.end());
  }
  std::sort(found.begin(), found.end());
  check_none(found);
}

} // namespace

// -- the sources ---------------------------------------------------------------------------------

TEST_CASE("the sources are there to be read") {
  std::map<std::string, std::size_t> files;
  for (auto& x : sources())
    ++files[x.folder()];
  for (auto& [folder, allowed] : allowed_folders) {
    CAPTURE(folder);
    CHECK(files[folder] >= (folder == "main.cpp" ? 1 : folder == "net" ? 5 : 10));
  }
}

TEST_CASE("includes point down only, and nobody includes tests") { check_sources(bad_includes); }

TEST_CASE("a room knows only the rooms below it, and every room is known") {
  check_sources(bad_rooms);
  for (auto& x : sources())
    if (x.folder() != x.room() || x.folder() == "actors")
      CHECK_MESSAGE(allowed_rooms.count(x.room()), x.path);
}

TEST_CASE("every header says #pragma once first") {
  findings found;
  for (auto& x : sources())
    if (x.path.ends_with(".hpp") && !x.text.starts_with("#pragma once\n"))
      found.push_back(x.path);
  check_none(found);
}

TEST_CASE("lines have at most 100 columns, no tab, no blank at the end, no leftover marker") {
  check_sources(bad_lines);
}

TEST_CASE("functions have at most 70 lines") { check_sources(long_functions); }

TEST_CASE("nobody sleeps but the server at its end, and clocks are given from outside") {
  check_sources(stray_sleeps_and_clocks);
}

TEST_CASE("no loop goes over what only a pointer that was just returned keeps alive") {
  check_sources(loops_over_the_gone);
}

TEST_CASE("every message has its sentence") { check_sources(silent_messages); }

TEST_CASE("the function counter finds the functions of the sources") {
  std::size_t count = 0;
  for (auto& x : sources())
    count += functions_of(x.code).size();
  CHECK(count > 700);
}

// -- the rules can fail --------------------------------------------------------------------------

TEST_CASE("the rules find what they are for") {
  auto count = [](findings (*rule)(const source&), const char* path, const char* text) {
    return rule(make_source(path, text)).size();
  };
  CHECK(count(bad_includes, "config/a.cpp", "#include \"config/b.hpp\"\n#include <map>\n") == 0);
  CHECK(count(bad_includes, "config/a.cpp", "#include \"protocol/b.hpp\"\n") == 1);
  CHECK(count(bad_includes, "protocol/a.cpp", "#include \"actors/b.hpp\"\n") == 1);
  CHECK(count(bad_includes, "protocol/a.cpp", "#include <caf/all.hpp>\n#include <thread>\n") == 2);
  CHECK(count(bad_includes, "protocol/a.cpp", "#include <thread_pool.h>\n") == 0);
  CHECK(count(bad_includes, "actors/a.cpp", "  #include  \"http/b.hpp\"\n") == 1);
  CHECK(count(bad_includes, "actors/a.cpp", "#include <boost/asio/post.hpp>\n") == 1);
  CHECK(count(bad_includes, "http/a.cpp", "#include \"grpc/b.hpp\"\n") == 1);
  CHECK(count(bad_includes, "http/a.cpp", "#include \"tests/b.hpp\"\n") == 1);
  CHECK(count(bad_includes, "main.cpp", "#include \"tests/b.hpp\"\n") == 1);
  CHECK(
    count(bad_includes, "main.cpp", "#ifdef NACRE_TEST_HOOK\n#include \"tests/b.hpp\"\n#endif\n")
    == 0);
  CHECK(
    count(bad_includes, "http/a.cpp", "#ifdef NACRE_TEST_HOOK\n#include \"tests/b.hpp\"\n#endif\n")
    == 1);

  CHECK(count(bad_rooms, "actors/push/a.cpp", "#include \"actors/tables/b.hpp\"\n") == 0);
  CHECK(count(bad_rooms, "actors/push/a.cpp", "#include \"actors/push/b.hpp\"\n") == 0);
  CHECK(count(bad_rooms, "actors/push/a.cpp", "#include \"actors/distro/b.hpp\"\n") == 1);
  CHECK(count(bad_rooms, "actors/base/a.cpp", "#include \"actors/b.hpp\"\n") == 1);
  CHECK(count(bad_rooms, "http/server/a.cpp", "#include \"http/api/b.hpp\"\n") == 1);
  CHECK(count(bad_rooms, "grpc/link/a.cpp", "#include \"grpc/sdk/b.hpp\"\n") == 1);
  CHECK(count(bad_rooms, "http/api/a.cpp", "#include \"actors/naming/b.hpp\"\n") == 0);

  auto line = [](std::size_t n, const char* text) {
    std::string result;
    for (; n > 0; --n)
      result += text;
    return result + "\n";
  };
  CHECK(count(bad_lines, "a", line(100, "x").c_str()) == 0);
  CHECK(count(bad_lines, "a", line(101, "x").c_str()) == 1);
  CHECK(count(bad_lines, "a", line(100, "→").c_str()) == 0);
  CHECK(count(bad_lines, "a", line(101, "→").c_str()) == 1);
  CHECK(count(bad_lines, "a", "a\tb\n") == 1);
  CHECK(count(bad_lines, "a", "a \n") == 1);
  CHECK(count(bad_lines, "a", "a\r\n") == 1);
  CHECK(count(bad_lines, "a", "a\nb") == 1);
  CHECK(count(bad_lines, "a", "") == 1);
  CHECK(count(bad_lines, "a",
              "// TO"
              "DO: x\n")
        == 1);
  CHECK(count(bad_lines, "a",
              "x; // FIX"
              "ME\n")
        == 1);
  CHECK(count(bad_lines, "a",
              "mktemp XX"
              "XXXX; TO"
              "DOS\n")
        == 0);

  CHECK(count(stray_sleeps_and_clocks, "http/a.cpp", "std::this_thread::sleep_for(1s);\n") == 1);
  CHECK(
    count(stray_sleeps_and_clocks, "http/server/server.cpp", "std::this_thread::sleep_for(1s);\n")
    == 0);
  CHECK(count(stray_sleeps_and_clocks, "http/a.cpp", "// sleep_for\nauto x = \"sleep\";\n") == 0);
  CHECK(count(stray_sleeps_and_clocks, "actors/a.cpp", "auto x = steady_clock::now();\n") == 1);
  CHECK(count(stray_sleeps_and_clocks, "protocol/a.cpp", "std::chrono::system_clock::now()\n")
        == 1);
  CHECK(count(stray_sleeps_and_clocks, "actors/base/clocks.hpp", "system_clock::now();\n") == 0);
  CHECK(count(stray_sleeps_and_clocks, "http/a.cpp", "steady_clock::now();\n") == 0);
  CHECK(count(stray_sleeps_and_clocks, "http/api/a.cpp", "auto x = steady_now();\n") == 1);
  CHECK(count(stray_sleeps_and_clocks, "http/server/a.cpp", "auto x = steady_now();\n") == 0);
}

TEST_CASE("loops over what is gone are found") {
  auto count = [](const char* text) { return loops_over_the_gone(make_source("a", text)).size(); };
  CHECK(count("for (auto& x : view()->members())\n") == 1);
  CHECK(count("for (auto& x :\n     a.view(1, (2))->all) {\n") == 1);
  CHECK(count("for (auto& x : a.view(1, (2))->all) {\n") == 1);
  CHECK(count("for (auto& x : (*view)->members())\n") == 0);
  CHECK(count("for (auto& x : view->members())\n") == 0);
  CHECK(count("for (auto i = a()->begin(); i; ++i)\n") == 0);
  CHECK(count("for (auto x : all)\n  x()->f();\n") == 0);
}

TEST_CASE("messages without a sentence are found") {
  auto count = [](const char* path, const char* text) {
    return silent_messages(make_source(path, text)).size();
  };
  CHECK(count("actors/messages/a.hpp", "\nstruct a {\n};\n") == 1);
  CHECK(count("actors/messages/a.hpp", "/// Says.\nstruct a {\n};\nclass b;\n") == 0);
  CHECK(count("actors/interfaces.hpp", "x<\n  caf::reacts_to<a>,\n") == 1);
  CHECK(count("actors/interfaces.hpp", "x<\n  // Says.\n  caf::reacts_to<a>,\n") == 0);
  CHECK(count("actors/base/a.hpp", "\nstruct a {\n};\n") == 0);
}

TEST_CASE("the function counter tells functions from scopes, tables and strings") {
  struct row {
    std::string text;
    std::vector<std::size_t> lines;
  };
  const row rows[] = {
    {"int f() { return 1; }\n", {1}},
    {"int f()\n{\n}\n", {3}},
    {"namespace a {\nstruct b {\n  int c;\n};\nint f() {\n}\n}\n", {2}},
    {"class a : public b<c> {\npublic:\n  a() : x(1), y{2} {\n  }\n  int f() const {\n  }\n};\n",
     {2, 2}},
    {"template <class F>\nvoid f(F g) {\n  g();\n}\n", {3}},
    {"enum class e : int { a, b };\nconstexpr int t[] = {\n  1,\n};\n", {}},
    {"constexpr row t[] = {\n  {[](int) {\n    return 1;\n  }},\n};\nint f() {\n}\n", {2}},
    {"void f() {\n  if (x) {\n  }\n  for (;;) {\n  }\n}\nvoid g() {\n}\n", {6, 2}},
    {"void f() {\n  auto s = \"}\"; // }\n  char c = '}';\n  auto r = R\"(})\";\n}\n", {5}},
    {"void f() {\n  auto n = 1'000;\n  auto m = 2'000; // '\n}\n", {4}},
    {"bool operator==(const a&, const a&) {\n  return true;\n}\n", {3}},
    {"a& operator=(a&& x) {\n  return *this;\n}\n", {3}},
    {"struct s f(int x) {\n}\n", {2}},
    {"/* { */\n#define M(x) {\nint f() {\n}\n", {}}, // macros confuse it: rough, as it says
  };
  for (auto& x : rows) {
    std::vector<std::size_t> lines;
    for (auto& f : functions_of(code_of(x.text)))
      lines.push_back(f.lines);
    CAPTURE(x.text);
    if (x.lines.empty() && !lines.empty())
      continue;
    CHECK(lines == x.lines);
  }
  std::string body = "int f() {\n";
  for (std::size_t i = 2; i < function_lines_max; ++i)
    body += "  ++x;\n";
  CHECK(long_functions(make_source("a", body + "}\n")).empty());
  CHECK(long_functions(make_source("a", body + "  ++x;\n}\n")).size() == 1);
  CHECK(long_functions(make_source("a", "namespace n {\n" + body + "  ++x;\n}\n}\n")).size() == 1);
}
