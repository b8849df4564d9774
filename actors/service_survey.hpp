#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "actors/node_context.hpp"
#include "protocol/cluster_message.hpp"

namespace nacre {

/// What the nodes of a cluster hold of one service, compared with what this node holds. It goes
/// along with the question to every DISTRO PEER; when the last one has let go of it, whether
/// answered or not, the comparison is written and the ticket completed. Any thread.
class service_survey {
public:
  /// @param others the addresses of all other members, also of those that can't be asked
  service_survey(std::string self, service_ref service, std::vector<std::string> others,
                 std::vector<instance_record> own, ticket_ptr answer);
  service_survey(const service_survey&) = delete;
  service_survey& operator=(const service_survey&) = delete;
  ~service_survey();

  /// What `node` holds.
  void take(const std::string& node, std::vector<instance_record> records);

private:
  std::string report() const;

  const std::string self_;
  const service_ref service_;
  const std::vector<std::string> others_;
  const std::vector<instance_record> own_;
  const ticket_ptr answer_;
  std::mutex lock_;
  std::map<std::string, std::vector<instance_record>> taken_;
};

/// Asks all other members what they hold of the service; `answer` gets the differences as JSON.
/// In a cluster only.
void survey_service(const node_context& context, const service_ref& service, ticket_ptr answer,
                    std::int64_t now_ms);

} // namespace nacre
