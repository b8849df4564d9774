#include "config/ignored_keys.hpp"

#include "config/key_names.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <set>
#include <string>

namespace nacre {

namespace {

/// Any key that begins so.
constexpr std::string_view families[] = {
  "db.",
  "logging.",
  "management.",
  "nacos.ai.",
  "nacos.cmdb.",
  "nacos.config.",
  "nacos.console.",
  "nacos.copilot.",
  "nacos.core.ability.",
  "nacos.core.address-server.",
  "nacos.core.api.compatibility.",
  "nacos.core.auth.default.",
  "nacos.core.auth.ldap.",
  "nacos.core.auth.nacos.",
  "nacos.core.auth.plugin.",
  "nacos.core.config.plugin.",
  "nacos.core.member.meta.",
  "nacos.core.monitor.",
  "nacos.core.notify.",
  "nacos.core.protocol.raft.",
  "nacos.core.remote.",
  "nacos.extension.",
  "nacos.istio.",
  "nacos.k8s.",
  "nacos.lock.",
  "nacos.logging.",
  "nacos.mcp.",
  "nacos.metric.",
  "nacos.namespace.migrate.",
  "nacos.naming.distro.",
  "nacos.naming.fuzzy.watch.",
  "nacos.persistence.",
  "nacos.plugin.",
  "nacos.prometheus.",
  "nacos.remote.client.",
  "nacos.remote.server.grpc.cluster.",
  "security.",
  "server.error.",
  "server.ssl.",
  "server.tomcat.",
  "spring.",
};

constexpr std::string_view keys[] = {
  "com.alibaba.nacos.naming.health.thread.num",
  "isHealthCheck",
  "isQuickStart",
  "maxHealthCheckFailCount",
  "nacos.common.processors",
  "nacos.core.auth.admin.enabled",
  "nacos.core.auth.caching.enabled",
  "nacos.core.auth.console.enabled",
  "nacos.core.auth.enable.userAgentAuthWhite",
  "nacos.core.auth.system.type",
  "nacos.core.inet.auto-refresh",
  "nacos.core.member.fail-access-cnt",
  "nacos.core.namespace.validation.enabled",
  "nacos.core.param.check.checker",
  "nacos.core.protocol.distro.data.load.retryDelayMs",
  "nacos.core.protocol.distro.data.load_retry_delay_ms",
  "nacos.core.protocol.distro.data.sync.retryDelayMs",
  "nacos.core.protocol.distro.data.sync_retry_delay_ms",
  "nacos.core.protocol.distro.data.verify.timeoutMs",
  "nacos.core.support.upgrade.from.1x",
  "nacos.core.sys.basic.processors",
  "nacos.custom.environment.enabled",
  "nacos.deployment.type",
  "nacos.env.first",
  "nacos.function.mode",
  "nacos.functionMode",
  "nacos.home",
  "nacos.http.timeout",
  "nacos.inetutils.ignored-interfaces",
  "nacos.inetutils.prefer-hostname-over-ip",
  "nacos.inetutils.preferred-networks",
  "nacos.inetutils.use-only-site-local-interfaces",
  "nacos.listener.notify.warn.timeout",
  "nacos.local.ip",
  "nacos.member-change-event.queue.size",
  "nacos.member.discovery",
  "nacos.mode",
  "nacos.naming.clean.empty-service.interval",
  "nacos.naming.data.warmup",
  "nacos.naming.empty-service.auto-clean",
  "nacos.naming.empty-service.clean.initial-delay-ms",
  "nacos.naming.empty-service.clean.period-time-ms",
  "nacos.naming.exposed.port",
  "nacos.naming.use-new-raft.first",
  "nacos.preferHostnameOverIp",
  "nacos.remote.cluster.server.rpc.protocol.negotiator.type",
  "nacos.remote.peer.rpc.tls.certPrivateKeyPassword",
  "nacos.remote.peer.rpc.tls.ciphers",
  "nacos.remote.peer.rpc.tls.protocols",
  "nacos.remote.peer.rpc.tls.sslContextRefresher",
  "nacos.remote.peer.rpc.tls.sslProvider",
  "nacos.remote.peer.rpc.tls.trustAll",
  "nacos.remote.server.grpc.sdk.permit-keep-alive-time",
  "nacos.remote.sdk.server.rpc.protocol.negotiator.type",
  "nacos.remote.server.rpc.protocol.negotiator.type",
  "nacos.remote.server.rpc.tls.certPrivateKeyPassword",
  "nacos.remote.server.rpc.tls.ciphers",
  "nacos.remote.server.rpc.tls.protocols",
  "nacos.remote.server.rpc.tls.sslContextRefresher",
  "nacos.remote.server.rpc.tls.sslProvider",
  "nacos.remote.server.rpc.tls.trustAll",
  "nacos.security.ignore.urls",
  "nacos.server.grpc.port.offset",
  "nacos.sys.duplicate.bean.enhancement.enabled",
  "nacos.watch-file.max-dirs",
  "nacos.web.charset.filter",
  "notifyConnectTimeout",
  "notifySocketTimeout",
  "openInnerInterfaceFilter",
  "server.max-http-header-size",
  "server.max-http-request-header-size",
  "server.use-forward-headers",
  "tldSkipPatterns",
  "useAddressServer",
};

/// What the start script and the shipped file of Nacos' container image read by these names.
constexpr std::string_view variables[] = {
  "CUSTOM_SEARCH_LOCATIONS",
  "CUSTOM_SEARCH_NAMES",
  "DB_POOL_CONNECTION_TIMEOUT",
  "EMBEDDED_STORAGE",
  "FUNCTION_MODE",
  "IGNORED_INTERFACES",
  "NACOS_AUTH_ADMIN_ENABLE",
  "NACOS_AUTH_ALLOW_ANONYMOUS_AI_ENABLED",
  "NACOS_AUTH_CACHE_ENABLE",
  "NACOS_AUTH_CONSOLE_ENABLE",
  "NACOS_AUTH_SYSTEM_TYPE",
  "NACOS_AUTH_TOKEN",
  "NACOS_AUTH_TOKEN_EXPIRE_SECONDS",
  "NACOS_AUTH_USER_AGENT_AUTH_WHITE_ENABLE",
  "NACOS_DEBUG",
  "NACOS_EXT_PLUGIN_DIRS",
  "NACOS_SECURITY_IGNORE_URLS",
  "PREFERRED_NETWORKS",
  "PREFER_HOST_MODE",
  "USE_ONLY_SITE_INTERFACES",
};

/// Any variable that begins so, or so as a family of Nacos' own keys.
constexpr std::string_view variable_families[] = {"JVM_", "MYSQL_", "SPRING_DATASOURCE_",
                                                  "TOMCAT_"};

using names = std::set<std::string, std::less<>>;

names canonical(const auto& spelled) {
  names result;
  std::transform(std::begin(spelled), std::end(spelled), std::inserter(result, result.end()),
                 canonical_key);
  return result;
}

bool has_prefix_in(const names& prefixes, std::string_view text) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [text](const std::string& prefix) { return text.starts_with(prefix); });
}

names ignored_variables() {
  names result(std::begin(variables), std::end(variables));
  for (const auto key : keys)
    result.insert({compact_variable(key), spaced_variable(key)});
  return result;
}

names ignored_variable_families() {
  names result(std::begin(variable_families), std::end(variable_families));
  for (const auto family : families)
    if (family.starts_with("nacos."))
      result.insert({compact_variable(family), spaced_variable(family)});
  return result;
}

} // namespace

bool is_ignored_key(std::string_view key) {
  static const auto known = canonical(keys);
  static const auto known_families = canonical(families);
  const auto name = canonical_key(key);
  return known.contains(name) || has_prefix_in(known_families, name);
}

bool is_ignored_variable(std::string_view name) {
  static const auto known = ignored_variables();
  static const auto known_families = ignored_variable_families();
  return known.contains(name) || has_prefix_in(known_families, name);
}

} // namespace nacre
