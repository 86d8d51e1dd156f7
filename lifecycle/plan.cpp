#include "lifecycle/plan.hpp"
