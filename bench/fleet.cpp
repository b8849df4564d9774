#include "bench/fleet.hpp"

#include <string_view>

namespace nacre::bench {

namespace {

/// As a form or query wants it; the JSON of a beat is mostly escapes.
std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  constexpr std::string_view plain = "-_.~";
  std::string result;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || plain.find(c) != plain.npos) {
      result += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      result += {'%', digits[byte >> 4], digits[byte & 15]};
    }
  }
  return result;
}

std::string request(std::string_view method, std::string_view target, std::string_view form,
                    std::size_t size) {
  std::string result;
  result.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  // The host is the same for all, so that two servers are asked with equal bytes.
  result += "Host: 127.0.0.1:8848\r\n"
            "User-Agent: Nacos-Java-Client:v1.4.2\r\n"
            "Client-Version: 1.4.2\r\n"
            "Request-Module: Naming\r\n"
            "Accept-Charset: UTF-8\r\n"
            "Connection: Keep-Alive\r\n";
  result += "X-Size: " + std::to_string(size) + "\r\n";
  if (method != "GET")
    result += "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n"
              "Content-Length: "
              + std::to_string(form.size()) + "\r\n";
  return result.append("\r\n").append(form);
}

std::string grouped_name(const fleet& all, std::size_t service) {
  return "DEFAULT_GROUP@@" + all.service_name(service);
}

std::string common_form(const fleet& all, std::size_t instance) {
  return "serviceName=" + encoded(grouped_name(all, instance % all.services))
         + "&groupName=DEFAULT_GROUP&namespaceId=public&clusterName=DEFAULT&ip=" + all.ip(instance)
         + "&port=8080";
}

} // namespace

std::string fleet::service_name(std::size_t service) const {
  // Of equal length for all, since a service's name is in every host of its list.
  auto digits = std::to_string(service);
  return prefix + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

std::string fleet::ip(std::size_t instance) const {
  // Begins at 127.100.100.100 so that most addresses are equally long and none is 127.0.0.1.
  const auto number = instance + (100U << 16U | 100U << 8U | 100U);
  return "127." + std::to_string(number >> 16U & 255U) + '.' + std::to_string(number >> 8U & 255U)
         + '.' + std::to_string(number & 255U);
}

std::string register_request(const fleet& all, std::size_t instance, int weight, std::size_t size) {
  return request("POST", "/nacos/v1/ns/instance",
                 common_form(all, instance) + "&weight=" + std::to_string(weight)
                   + ".0&enable=true&healthy=true&ephemeral=true&metadata=%7B%7D",
                 size);
}

std::string beat_request(const fleet& all, std::size_t instance, std::size_t size) {
  const auto name = grouped_name(all, instance % all.services);
  const auto beat = R"({"cluster":"DEFAULT","ip":")" + all.ip(instance)
                    + R"(","metadata":{},"period":5000,"port":8080,"scheduled":false,)"
                      R"("serviceName":")"
                    + name + R"(","stopped":false,"weight":1.0})";
  return request("PUT", "/nacos/v1/ns/instance/beat",
                 common_form(all, instance) + "&beat=" + encoded(beat), size);
}

std::string light_beat_request(const fleet& all, std::size_t instance, std::size_t size) {
  return request("PUT", "/nacos/v1/ns/instance/beat", common_form(all, instance), size);
}

std::string query_request(const fleet& all, std::size_t service, std::size_t size,
                          const std::string& extra) {
  return request("GET",
                 "/nacos/v1/ns/instance/list?serviceName=" + encoded(grouped_name(all, service))
                   + "&namespaceId=public&clusters=" + "&healthyOnly=false" + extra,
                 {}, size);
}

} // namespace nacre::bench
