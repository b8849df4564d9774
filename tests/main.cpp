#define DOCTEST_CONFIG_IMPLEMENT
#include <cstdlib>

#include <doctest/doctest.h>
#include <spdlog/spdlog.h>

/// `LOG=off` (or warn, …) sets what the nodes under test log.
int main(int argc, char** argv) {
  if (auto level = std::getenv("LOG"))
    spdlog::set_level(spdlog::level::from_str(level));
  return doctest::Context(argc, argv).run();
}
