#include "actors/graph_file.hpp"
