#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/base/prober.hpp"

namespace nacre::test {

/// Targets answer at once, well if nothing else was said.
class scripted_prober final : public prober {
public:
  void probe(std::vector<probe_order> orders, const listener& answers) override {
    std::vector<probe_answer> all;
    for (auto& x : orders) {
      ++asked[x.ip];
      if (!x.checker) {
        all.push_back(
          {x.number, probe_answer::kind::ok, probe_answer::pace::measured, {}, "", leads_to[x.ip]});
        continue;
      }
      last_port = x.port;
      auto known = says.find(x.ip);
      auto answer = known == says.end() ? well() : known->second;
      answer.number = x.number;
      all.push_back(std::move(answer));
    }
    answers(std::move(all));
  }

  static probe_answer well() {
    return {0, probe_answer::kind::ok, probe_answer::pace::measured, milliseconds(2), "connected"};
  }
  static probe_answer silent() {
    return {0, probe_answer::kind::failed, probe_answer::pace::slower, milliseconds(500),
            "no answer within 500 ms"};
  }
  static probe_answer refused() {
    return {0, probe_answer::kind::failed_for_sure, probe_answer::pace::slowest, milliseconds(0),
            "refused"};
  }

  /// By address.
  std::map<std::string, probe_answer> says;
  std::map<std::string, int> asked;
  /// Names: where they lead; nowhere if it was not said.
  std::map<std::string, std::string> leads_to;
  std::uint16_t last_port = 0;
};

} // namespace nacre::test
