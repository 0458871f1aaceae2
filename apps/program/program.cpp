#include "apps/program/program.hpp"

#include "apps/cli/command_line.hpp"
#include "apps/cli/serve.hpp"
#include "apps/cli/sim.hpp"

namespace millrace {

int run_program(int argc, char** argv, custom_deployments actors) {
  const auto deployed
    = std::make_shared<const custom_deployments>(std::move(actors));
  cli::command_line line{
    [deployed](const node_config& config, const cli::serve_options& options) {
      return cli::run_serve(config, options, deployed);
    },
    {cli::add_sim}};
  return line.run(argc, argv);
}

} // namespace millrace
