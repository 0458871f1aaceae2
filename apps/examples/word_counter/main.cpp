#include "apps/program/program.hpp"
#include "deploy.hpp"

int main(int argc, char** argv) {
  return millrace::run_program(argc, argv, word_counter::deploy());
}
