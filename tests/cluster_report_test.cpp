// The comparison of what two nodes hold of a service, as operators read it.
#include <doctest/doctest.h>

#include "actors/distro/cluster_report.hpp"

using namespace nacre;

namespace {

instance_record record(const std::string& client, std::int64_t version,
                       record_state state = record_state::healthy) {
  instance_record x;
  x.what.key.client = client;
  x.what.version = version;
  x.what.state = state;
  return x;
}

/// What is written; `equal` is what is returned.
std::string compared(const std::vector<instance_record>& here,
                     const std::vector<instance_record>& there, bool equal) {
  json_writer out;
  out.begin_object();
  CHECK(write_differences(out, here, there) == equal);
  out.end_object();
  return out.take();
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto i = text.find(part); i != text.npos; i = text.find(part, i + 1))
    ++n;
  return n;
}

} // namespace

TEST_CASE("nodes that hold the same do not differ, in whichever order") {
  auto text = compared({record("a", 1), record("b", 2)}, {record("b", 2), record("a", 1)}, true);
  CHECK(text == R"({"equal":true,"records":2,"differences":[]})");
}

TEST_CASE("a difference says who lacks the record, or what differs") {
  auto text =
    compared({record("a", 1), record("b", 2), record("c", 3)},
             {record("b", 3), record("c", 3, record_state::unhealthy), record("d", 4)}, false);
  CHECK(count_of(text, R"("client":"a","connection":false,"what":"missing there")") == 1);
  CHECK(count_of(text, R"("client":"b","connection":false,"what":"differs")") == 1);
  CHECK(count_of(text, R"("client":"c","connection":false,"what":"differs")") == 1);
  CHECK(count_of(text, R"("client":"d","connection":false,"what":"missing here")") == 1);
  CHECK(count_of(text, R"("there":{"version":3,"state":"unhealthy")") == 1);
}

TEST_CASE("a connection and a client of one name are two") {
  auto held = record("a", 1);
  held.what.key.connection = true;
  compared({record("a", 1)}, {held}, false);
}

TEST_CASE("of very many differences most are only counted") {
  std::vector<instance_record> here;
  for (std::size_t i = 0; i < differences_max + 7; ++i)
    here.push_back(record("c" + std::to_string(i), 1));
  auto text = compared(here, {}, false);
  CHECK(count_of(text, "missing there") == differences_max);
  CHECK(count_of(text, "\"differencesLeftOut\":7") == 1);
}
