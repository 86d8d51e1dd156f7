#include "lifecycle/region.hpp"
