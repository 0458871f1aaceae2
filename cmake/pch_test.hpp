#include "pch_std.hpp"

#include <catch2/catch.hpp>
