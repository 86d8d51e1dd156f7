#include "actors/graph.hpp"
