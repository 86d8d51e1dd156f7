#include "actors/settings.hpp"
