#pragma once
#include "CScanHTTP.h"
