#include "odd_ones.hpp"

// Linked so that the dynamic linker never lets go of it.
INSTAR_MODULE("stays", odd::plain)
