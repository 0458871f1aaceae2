#pragma once

// What a program of your own does in main(): it is `millrace`, with your
// actors in every node that it runs.
//
//   int main(int argc, char** argv) {
//     millrace::custom_deployments actors;
//     actors.place<limiter>("limiter");
//     return millrace::run_program(argc, argv, std::move(actors));
//   }
//
// `PROGRAM serve` is a node with them, `PROGRAM dev --nodes 3` a cluster of
// such nodes on this machine; all other commands are there, too.

#include "actors/custom_deployments.hpp"

namespace millrace {

/// Runs the command that the line names; returns the process's exit code.
/// @param actors run in every node that `serve` starts
int run_program(int argc, char** argv, custom_deployments actors = {});

} // namespace millrace
