#include "bench/scale_requests.hpp"

#include "bench/registry_client.hpp"

#include <algorithm>

namespace nacre::bench {

std::size_t nth_instance(const fleet& all, std::size_t number) {
  const auto width = all.services % 1'000 == 0 ? std::size_t{1'000} : all.services;
  const auto block = number / (width * all.per_service);
  const auto row = number / width % all.per_service;
  return row * all.services + block * width + number % width;
}

std::size_t jumping(std::size_t number, std::size_t count) {
  constexpr std::size_t stride = 611'953; // a prime
  return number * stride % count;
}

std::string scale_registration(const fleet& all, std::size_t instance, const beat_terms& terms) {
  auto form = "serviceName=DEFAULT_GROUP%40%40" + all.service_name(instance % all.services);
  form += "&groupName=DEFAULT_GROUP&namespaceId=public&clusterName=DEFAULT&ip=";
  form += all.ip(instance);
  form += "&port=8080&weight=1.0&enable=true&healthy=true&ephemeral=true"
          "&metadata=%7B%22version%22%3A%221.0.0%22%2C%22preserved.heart.beat.timeout%22%3A%22";
  form += std::to_string(terms.unhealthy_ms);
  form += "%22%2C%22preserved.ip.delete.timeout%22%3A%22";
  form += std::to_string(terms.gone_ms);
  form += "%22%7D";
  return "POST /nacos/v1/ns/instance HTTP/1.1\r\n"
         "Host: 127.0.0.1:8848\r\n"
         "User-Agent: Nacos-Java-Client:v1.4.2\r\n"
         "Client-Version: 1.4.2\r\n"
         "Connection: Keep-Alive\r\n"
         "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n"
         "Content-Length: "
         + std::to_string(form.size()) + "\r\n\r\n" + form;
}

std::string scale_remote_registration(const fleet& all, std::size_t service, std::size_t instance) {
  return envelope("InstanceRequest",
                  R"({"headers":{},"namespace":"public","serviceName":")"
                    + all.service_name(service)
                    + R"(","groupName":"DEFAULT_GROUP","type":"registerInstance",)"
                      R"("instance":{"ip":")"
                    + all.ip(instance)
                    + R"(","port":8080,"weight":1.0,"healthy":true,"enabled":true,)"
                      R"("ephemeral":true,"clusterName":"DEFAULT","metadata":{"version":"1.0.0",)"
                      R"("preserved.heart.beat.timeout":"15000",)"
                      R"("preserved.ip.delete.timeout":"30000"},)"
                      R"("instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,)"
                      R"("ipDeleteTimeout":30000,"instanceIdGenerator":"simple"},)"
                      R"("module":"naming"})");
}

} // namespace nacre::bench
