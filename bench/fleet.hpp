#pragma once

#include <cstddef>
#include <string>

namespace nacre::bench {

/// The services and instances a bench keeps in a registry. Instance i belongs to service
/// i % services, so that one pass over all of them changes another service with each request. Their
/// addresses lie in 127.0.0.0/8: a server that probes what it is told about stays on this machine.
struct fleet {
  std::string prefix; // begins every service name; another prefix is another fleet
  std::size_t services = 0;
  std::size_t per_service = 0;

  [[nodiscard]] std::size_t instances() const { return services * per_service; }
  [[nodiscard]] std::string service_name(std::size_t service) const;
  [[nodiscard]] std::string ip(std::size_t instance) const;
};

/// POST of one instance, as the 1.4 Java client sends its parameters, but as a form.
std::string register_request(const fleet& all, std::size_t instance, int weight, std::size_t size);

/// PUT of a beat with the full JSON of the Java client.
std::string beat_request(const fleet& all, std::size_t instance, std::size_t size);

/// PUT of a beat by address alone, as clients send it once the server said lightBeatEnabled.
std::string light_beat_request(const fleet& all, std::size_t instance, std::size_t size);

/// GET of the instance list of one service; `extra` is appended to the query.
std::string query_request(const fleet& all, std::size_t service, std::size_t size,
                          const std::string& extra = {});

} // namespace nacre::bench
