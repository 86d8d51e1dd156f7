#include "transfer/schema.hpp"
