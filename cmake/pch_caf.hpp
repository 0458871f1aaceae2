// What nearly every source file with actors in it includes.
#include "pch_std.hpp"

#include <caf/all.hpp>
