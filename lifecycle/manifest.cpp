#include "lifecycle/manifest.hpp"
