#include "apps/cli/command_line.hpp"
#include "apps/cli/serve.hpp"
#include "apps/cli/sim.hpp"

int main(int argc, char** argv) {
  millrace::cli::command_line line{
    millrace::cli::run_serve, {millrace::cli::add_sim}};
  return line.run(argc, argv);
}
