#include "protocol/host_json.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "protocol/json_writer.hpp"

using namespace nacre;

TEST_CASE("an instance has the same bytes as from the writer of JSON, whatever is in it") {
  const std::string_view texts[] = {"",     "10.0.0.1", "a\"b", "back\\slash", "line\nend",
                                    "\x01", "中文",     "/",    "\x7f",        "😀 \t"};
  const double weights[] = {1.0, 0.0, 0.5, 1e21, 1e-7, 10'000.0, -0.0, std::nan(""), 123.456};
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::minstd_rand rng(seed);
    auto text = [&] { return std::string(texts[rng() % std::size(texts)]); };
    auto name = text();
    service_key_view service{"public", "G", name};
    host_json hosts(service);
    for (int i = 0; i < 10; ++i) {
      instance x;
      x.ip = text();
      x.port = static_cast<std::uint16_t>(rng());
      x.weight = weights[rng() % std::size(weights)];
      x.enabled = rng() % 2 == 0;
      x.ephemeral = rng() % 2 == 0;
      x.cluster_name = text();
      x.generator = rng() % 2 == 0 ? id_generator::simple : id_generator::none;
      metadata_map metadata;
      for (auto n = rng() % 3; n > 0; --n)
        set_metadata(metadata, text(), text());
      if (rng() % 4 == 0)
        set_metadata(metadata, "preserved.instance.id.generator", "simple");
      if (rng() % 4 == 0)
        set_metadata(metadata, "preserved.heart.beat.timeout", "7000");
      x.metadata = metadata;
      bool healthy = rng() % 2 == 0;
      json_writer wanted;
      write_host(wanted, service, x, healthy);
      std::string seen;
      hosts.append(seen, x, healthy);
      CAPTURE(seed);
      REQUIRE(seen == wanted.view());
    }
  }
}
