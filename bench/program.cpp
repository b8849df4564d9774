#include "bench/program.hpp"

#include "bench/failure.hpp"

#include <cstdlib>
#include <iostream>

namespace nacre::bench {

int run_program(std::string_view name, std::string_view help, int argc, const char* const* argv,
                const std::vector<std::string_view>& known, int (*run)(const arguments&)) {
  try {
    const arguments args(argc, argv, known);
    if (args.help()) {
      std::cout << help;
      return EXIT_SUCCESS;
    }
    return run(args);
  } catch (const usage_error& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << '\n';
    return 1;
  }
}

} // namespace nacre::bench
