#include "transfer/state.hpp"
