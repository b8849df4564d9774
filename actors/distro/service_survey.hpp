#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "actors/distro/peer_survey.hpp"
#include "actors/node_context.hpp"

namespace nacre {

/// What the nodes of a cluster hold of one service, compared with what this node holds.
class service_survey final : public peer_survey {
public:
  /// @param others the addresses of all other members, also of those that can't be asked
  service_survey(std::string self, service_ref service, std::vector<std::string> others,
                 std::vector<instance_record> own, ticket_ptr answer);
  ~service_survey() override;

  cluster_message question(std::uint64_t id) const override;
  void take(const std::string& node, cluster_message answer) override;

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

/// The records of a service that this node holds. Any thread, in a cluster only.
std::vector<instance_record> records_of_service(const node_context& context,
                                                const service_key_view& service, steady_time now);

/// Asks all other members what they hold of the service; `answer` gets the differences as JSON.
/// In a cluster only.
void survey_service(const node_context& context, const service_ref& service, ticket_ptr answer,
                    steady_time now);

} // namespace nacre
