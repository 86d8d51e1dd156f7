#include "lifecycle/module_loader.hpp"
