#include "apps/program/program.hpp"

int main(int argc, char** argv) {
  return millrace::run_program(argc, argv);
}
